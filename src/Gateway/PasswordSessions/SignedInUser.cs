using Gateway.Sessions;

namespace Gateway.PasswordSessions;

/// <summary>The Paperless user who is signed in on a request, by a session of the gateway's or at Paperless itself.</summary>
/// <param name="Session">The gateway's session; null for a local one.</param>
internal sealed record SignedInUser(int Id, string Username, SessionKey? Session);

internal static class SignedInUserOfRequest
{
    /// <summary>Null where nobody is signed in.</summary>
    public static SignedInUser? SignedInUser(this HttpContext context) =>
        context.Session() is { } session ? new SignedInUser(session.Identity.UserId, session.Identity.Username, session.Key)
        : context.PasswordSession() is { } local ? new SignedInUser(local.UserId, local.Username, null)
        : null;
}
