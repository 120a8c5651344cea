using Gateway.Sessions;

namespace Gateway.PasswordSessions;

/// <summary>The Paperless user of a request, by a session of the gateway or a password session.</summary>
/// <param name="Session">The gateway's session; null for a password session.</param>
internal sealed record SignedInUser(int Id, string Username, SessionKey? Session);

internal static class SignedInUserOfRequest
{
    /// <summary>The signed-in user; null without a session.</summary>
    public static SignedInUser? SignedInUser(this HttpContext context)
    {
        if (context.Session() is { } session)
        {
            return new SignedInUser(session.Identity.UserId, session.Identity.Username, session.Key);
        }

        return context.PasswordSession() is { } password ? new SignedInUser(password.UserId, password.Username, null) : null;
    }
}
