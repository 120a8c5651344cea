namespace Gateway.Proxy;

/// <summary>Somebody who signed in at Paperless itself, with a password: Paperless's own session cookie says who, the gateway has no session.</summary>
/// <param name="UserId">Paperless's id of the user.</param>
internal sealed record LocalSession(int UserId, string Username, bool IsSuperuser, DateTimeOffset CheckedAt);

internal static class LocalSessionOfRequest
{
    /// <summary>The request's local session; null where there is none, or a session of the gateway's.</summary>
    public static LocalSession? LocalSession(this HttpContext context) => context.Features.Get<LocalSession>();
}
