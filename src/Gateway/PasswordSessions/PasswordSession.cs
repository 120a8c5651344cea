using Gateway.Sessions;

namespace Gateway.PasswordSessions;

/// <summary>Somebody who signed in at Paperless itself, with a password: Paperless's own session cookie says who, the gateway has no session.</summary>
/// <param name="UserId">Paperless's id of the user.</param>
internal sealed record PasswordSession(int UserId, string Username, bool IsSuperuser, DateTimeOffset CheckedAt)
{
    /// <summary>SHA-256 of the cookie's value: names the session in memory and in the log, and opens nothing.</summary>
    public SessionKey Key { get; init; }
}

/// <summary>What Paperless says of a session cookie of its own.</summary>
internal enum PasswordSessionStatus
{
    Nobody,
    Somebody,

    /// <summary>Signed in, but without the permission to be told who it is.</summary>
    Unnamed,

    /// <summary>Paperless did not say: it is neither a yes nor a no.</summary>
    Unknown,
}

/// <summary>An answer, and who it is where it says so.</summary>
internal sealed record PasswordSessionResult(PasswordSessionStatus Answer, PasswordSession? Session = null)
{
    public static readonly PasswordSessionResult Nobody = new(PasswordSessionStatus.Nobody);
    public static readonly PasswordSessionResult Unnamed = new(PasswordSessionStatus.Unnamed);
    public static readonly PasswordSessionResult Unknown = new(PasswordSessionStatus.Unknown);

    public bool IsOver => Answer is PasswordSessionStatus.Nobody or PasswordSessionStatus.Unnamed;
}

internal static class PasswordSessionOfRequest
{
    /// <summary>The request's password session; null where there is none, or a session of the gateway's.</summary>
    public static PasswordSession? PasswordSession(this HttpContext context) => context.Features.Get<PasswordSessionResult>()?.Session;

    /// <summary>As <see cref="PasswordSession(HttpContext)"/>, and why there is none.</summary>
    public static PasswordSessionResult PasswordSessionResult(this HttpContext context)
        => context.Features.Get<PasswordSessionResult>() ?? PasswordSessions.PasswordSessionResult.Nobody;
}
