namespace Gateway.Access;

/// <summary>One row of the access table.</summary>
/// <param name="When">Every condition must hold.</param>
/// <param name="WithoutSession">For a request without a session.</param>
/// <param name="WithSession">For a request with a session.</param>
/// <param name="Purpose">For the documentation.</param>
internal sealed record AccessRule(
    AccessMethods Methods, PathPattern Path, AccessConditions When, AccessDecision WithoutSession, AccessDecision WithSession, string Purpose);

/// <summary>The methods of a row; the method of a request is one of the first three.</summary>
[Flags]
internal enum AccessMethods
{
    Read = 1,
    Post = 2,
    Other = 4,
    ReadOrPost = Read | Post,
    Change = Post | Other,
    Any = Read | Post | Other,
}

/// <summary>The conditions of a row besides method and path. Those that depend on settings only say so.</summary>
[Flags]
internal enum AccessConditions
{
    Always = 0,
    /// <summary>Depends on settings only, as the next two.</summary>
    PasswordsOn = 1,
    PasswordsOff = 2,
    SignupsOff = 4,

    /// <summary>The query contains the parameter `password`: the person requests Paperless's login page.</summary>
    PasswordRequested = 8,
    Token = 16,
    Basic = 32,

    /// <summary>Any `Authorization` header.</summary>
    AnyAuthorization = 64,

    /// <summary>`GATEWAY_APPS`. Depends on settings only.</summary>
    AppsOn = 128,

    /// <summary>`GATEWAY_PAPERLESS_TOKENS`. Depends on settings only.</summary>
    PaperlessTokensOn = 256,

    /// <summary>A device password of the scope "full".</summary>
    DevicePassword = 512,

    /// <summary>A device password of the scope "upload only".</summary>
    UploadPassword = 1024,

    /// <summary>A preflight request of an origin in `PAPERLESS_CORS_ALLOWED_HOSTS`.</summary>
    Preflight = 2048,

    /// <summary>`GATEWAY_BEARER_AUDIENCES`. Depends on settings only.</summary>
    BearerOn = 4096,

    Bearer = 8192,
}
