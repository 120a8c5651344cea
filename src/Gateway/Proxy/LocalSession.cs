using Gateway.Sessions;

namespace Gateway.Proxy;

/// <summary>Somebody who signed in at Paperless itself, with a password: Paperless's own session cookie says who, the gateway has no session.</summary>
/// <param name="UserId">Paperless's id of the user.</param>
internal sealed record LocalSession(int UserId, string Username, bool IsSuperuser, DateTimeOffset CheckedAt)
{
    /// <summary>SHA-256 of the cookie's value: names the session in memory and in the log, and opens nothing.</summary>
    public SessionKey Key { get; init; }
}

/// <summary>What Paperless says of a session cookie of its own.</summary>
internal enum LocalAnswer
{
    Nobody,
    Somebody,

    /// <summary>Signed in, but without the permission to be told who it is.</summary>
    Unnamed,

    /// <summary>Paperless did not say: it is neither a yes nor a no.</summary>
    Unknown,
}

/// <summary>An answer, and who it is where it says so.</summary>
internal sealed record LocalFinding(LocalAnswer Answer, LocalSession? Session = null)
{
    public static readonly LocalFinding Nobody = new(LocalAnswer.Nobody);
    public static readonly LocalFinding Unnamed = new(LocalAnswer.Unnamed);
    public static readonly LocalFinding Unknown = new(LocalAnswer.Unknown);

    public bool IsOver => Answer is LocalAnswer.Nobody or LocalAnswer.Unnamed;
}

internal static class LocalSessionOfRequest
{
    /// <summary>The request's local session; null where there is none, or a session of the gateway's.</summary>
    public static LocalSession? LocalSession(this HttpContext context) => context.Features.Get<LocalSession>();

    /// <summary>As <see cref="LocalSession(HttpContext)"/>, and why there is none.</summary>
    public static LocalFinding LocalFinding(this HttpContext context) => context.Features.Get<LocalFinding>() ?? Proxy.LocalFinding.Nobody;
}
