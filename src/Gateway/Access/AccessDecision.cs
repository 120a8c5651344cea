namespace Gateway.Access;

/// <summary>How a request is answered.</summary>
internal enum AccessDecision
{
    /// <summary>An endpoint of the gateway answers.</summary>
    GatewayEndpoint,

    /// <summary>Forward to Paperless with the user header of the session.</summary>
    WithIdentity,

    /// <summary>Forward to Paperless in a password session: cookies pass, no identity.</summary>
    WithPasswordSession,

    /// <summary>Forward to Paperless without a session: no identity, no cookies.</summary>
    Public,

    /// <summary>Forward to Paperless's account pages: cookies pass, no identity.</summary>
    AccountPages,

    /// <summary>Forward to Paperless with the request's `Authorization`: no identity, no cookies.</summary>
    WithCredential,

    /// <summary>Forward to Paperless with the API token of the device password's user: no identity, no cookies.</summary>
    WithDevicePassword,

    /// <summary>The device password does not open this: 403.</summary>
    DevicePasswordRefused,

    /// <summary>Forward to Paperless with the API token of the user that a provider's access token stands for: no identity, no cookies.</summary>
    WithBearerToken,

    /// <summary>An access token of the provider does not open this: 403.</summary>
    BearerTokenRefused,

    /// <summary>`POST /api/token/`: a device password is its own token. Everything else is Paperless's to answer, where passwords are on.</summary>
    TokenForPassword,

    /// <summary>Nobody is signed in: a browser is redirected to the sign-in page, everything else gets a 401.</summary>
    SignInFirst,

    /// <summary>The gateway does not accept this kind of `Authorization`: 401.</summary>
    CredentialRefused,

    /// <summary>The path accepts passwords or sign-ups, and the settings forbid them: 404.</summary>
    Closed,

    /// <summary>Django would route this path to an admin page, although it is not below `/admin/`: 404.</summary>
    NotFound,
}
