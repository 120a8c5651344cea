using Gateway.Paperless;
using Gateway.Sessions;

namespace Gateway.PasswordSessions;

/// <summary>A session after a sign-in at Paperless with a password: Paperless's session cookie identifies the user, and the gateway has no session.</summary>
/// <param name="UserId">Paperless's id of the user.</param>
internal sealed record PasswordSession(int UserId, string Username, bool IsSuperuser, DateTimeOffset CheckedAt)
{
    /// <summary>SHA-256 of the cookie's value: identifies the session in memory and in the log, and is no credential.</summary>
    public SessionKey Key { get; init; }
}

/// <summary>The status of Paperless's session cookie, as Paperless reports it.</summary>
internal enum PasswordSessionStatus
{
    NotSignedIn,
    SignedIn,

    /// <summary>Signed in, but the user lacks the permission to read their own name.</summary>
    PermissionMissing,

    /// <summary>Paperless gave no usable answer.</summary>
    Unknown,
}

/// <summary>The status, and the session where a user is signed in.</summary>
internal sealed record PasswordSessionResult(PasswordSessionStatus Status, PasswordSession? Session = null)
{
    public static readonly PasswordSessionResult NotSignedIn = new(PasswordSessionStatus.NotSignedIn);
    public static readonly PasswordSessionResult PermissionMissing = new(PasswordSessionStatus.PermissionMissing);

    public static PasswordSessionResult Unknown(PaperlessUnavailableException failure) => new(PasswordSessionStatus.Unknown) { Failure = failure };

    /// <summary>Why the status is unknown; null where it is known.</summary>
    public PaperlessUnavailableException? Failure { get; private init; }

    public bool HasEnded => Status is PasswordSessionStatus.NotSignedIn or PasswordSessionStatus.PermissionMissing;
}

internal static class PasswordSessionOfRequest
{
    /// <summary>The request's password session; null where there is none, or the request has a session of the gateway.</summary>
    public static PasswordSession? PasswordSession(this HttpContext context) => context.Features.Get<PasswordSessionResult>()?.Session;

    /// <summary>The result of the look-up for <see cref="PasswordSession(HttpContext)"/>.</summary>
    public static PasswordSessionResult PasswordSessionResult(this HttpContext context)
        => context.Features.Get<PasswordSessionResult>() ?? PasswordSessions.PasswordSessionResult.NotSignedIn;
}
