namespace Gateway.Access;

/// <summary>How a request is answered.</summary>
internal enum AccessDecision
{
    /// <summary>An endpoint of the gateway itself answers.</summary>
    Own,

    /// <summary>Forward to Paperless with the user header of the session.</summary>
    WithIdentity,

    /// <summary>Forward to Paperless with Paperless's own session of a person who signed in with a password: cookies pass, no identity.</summary>
    WithPasswordSession,

    /// <summary>Forward to Paperless for everybody: no identity, no cookies.</summary>
    Public,

    /// <summary>Forward to Paperless's own account pages: cookies pass, no identity.</summary>
    AccountPages,

    /// <summary>Forward to Paperless with the request's own `Authorization`: no identity, no cookies.</summary>
    WithCredential,

    /// <summary>Nobody is signed in: a browser is redirected to the sign-in page, everything else gets a 401.</summary>
    SignInFirst,

    /// <summary>The gateway does not accept this kind of `Authorization`: 401.</summary>
    CredentialRefused,

    /// <summary>The path takes passwords while `PAPERLESS_DISABLE_REGULAR_LOGIN` is on, or signs up while that is not allowed: 404.</summary>
    Closed,

    /// <summary>Django would take this path for one of its admin pages, although nothing links there: 404.</summary>
    NotFound,
}
