namespace Gateway.StandIns.Provider;

/// <summary>How the development provider behaves; everything but the address, the slug and the clock may change while it runs.</summary>
internal sealed record DevelopmentProviderOptions
{
    public string Url { get; init; } = "http://127.0.0.1:0";

    public string Slug { get; init; } = "paperless";

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Cookies know no ports: two providers in one browser need two names.</summary>
    public string SessionCookie { get; init; } = "authentik_session";

    public string ClientId { get; init; } = "paperless";

    public string ClientSecret { get; init; } = "development-secret-that-protects-nothing";

    public bool PublicClient { get; init; }

    public ClientAuthentication ClientAuthentication { get; init; } = ClientAuthentication.BasicOrPost;

    /// <summary>Set, in PEM format: the client proves itself by an assertion that this key checks, and by nothing else.</summary>
    public string? ClientPublicKey { get; init; }

    public AssertionAudience AssertionAudience { get; init; }

    /// <summary>The algorithm of assertions that an RSA key signs: <c>RS256</c> or <c>PS256</c>.</summary>
    public string AssertionAlgorithm { get; init; } = "RS256";

    /// <summary>authentik decodes percent-encoded Basic credentials since 2026.2.2 only.</summary>
    public bool DecodesBasicCredentials { get; init; }

    /// <summary>Whether a <c>+</c> in decoded Basic credentials is a space, as in forms; authentik only percent-decodes.</summary>
    public bool DecodesBasicPlusAsSpace { get; init; }

    public IReadOnlyList<string> RedirectUris { get; init; } = [];

    /// <summary>Set: a second client, of an app. It is public, and its ID tokens carry the claims.</summary>
    public string? AppClientId { get; init; }

    /// <summary>Set: the app's client has an application of its own with this slug, and so an issuer of its own, as at authentik.</summary>
    public string? AppSlug { get; init; }

    /// <summary>Where the app's client is redirected to.</summary>
    public const string AppRedirectUri = "x-paperless://oidc-callback";

    public IReadOnlyList<string> PostLogoutRedirectUris { get; init; } = [];

    public IReadOnlyList<Person> People { get; init; } = Person.Defaults;

    /// <summary>Set: the application's policy lets only members of this group in; the others see authentik's own page.</summary>
    public string? RequiredGroup { get; init; }

    /// <summary>Whether the provider maps the <c>offline_access</c> scope.</summary>
    public bool OfflineAccess { get; init; }

    /// <summary>Set: the scopes that the client may have. Others are refused with <c>invalid_scope</c>, as most providers do; authentik drops them.</summary>
    public IReadOnlyList<string>? ClientScopes { get; init; }

    /// <summary>Set: every refresh is refused with this error; <c>invalid_grant</c> is authentik without <c>refresh_token</c> in <c>grant_types</c>.</summary>
    public string? RefreshError { get; init; }

    /// <summary>The ids that Microsoft Graph says everybody's groups have; null: the client has no permission to ask.</summary>
    public IReadOnlyList<string>? GraphGroups { get; init; }

    public bool IncludeClaimsInIdToken { get; init; } = true;

    /// <summary><c>email_verified</c>; authentik sends false unless a mapping says otherwise.</summary>
    public bool EmailVerified { get; init; }

    public bool SidClaim { get; init; } = true;

    /// <summary>Userinfo as a JWT (<c>userinfo_signed_response_alg</c>), signed as ID tokens are; authentik always answers with JSON.</summary>
    public bool SignedUserInfo { get; init; }

    /// <summary>authentik's <c>issuer_mode: global</c>: the issuer is the host alone.</summary>
    public bool GlobalIssuer { get; init; }

    /// <summary>
    /// Set: as Microsoft Entra for several tenants. Discovery names the issuer as a template, and tokens have the issuer and the <c>tid</c> of this one.
    /// </summary>
    public string? Tenant { get; init; }

    /// <summary>Set: published keys say for which issuer they sign, as at Microsoft Entra.</summary>
    public string? SigningKeyIssuer { get; init; }

    /// <summary>Whether authorization responses have <c>iss</c> (RFC 9207), and discovery announces it; authentik's have none.</summary>
    public IssuerInAnswers IssuerInAnswers { get; init; }

    /// <summary>Whether authorization requests may, or must, be pushed (RFC 9126); authentik knows none.</summary>
    public PushedRequests PushedRequests { get; init; }

    public SigningMode Signing { get; init; } = SigningMode.RS256;

    /// <summary>Set: every key has this <c>kid</c>, so that a new key replaces the old one under the same identifier.</summary>
    public string? SigningKeyId { get; init; }

    /// <summary>Further algorithms that the provider announces, and whose keys it publishes.</summary>
    public IReadOnlyList<SigningMode> FurtherSigning { get; init; } = [];

    /// <summary>Set: logout tokens are signed so, and not as ID tokens are.</summary>
    public SigningMode? LogoutTokenSigning { get; init; }

    public TimeSpan CodeLifetime { get; init; } = TimeSpan.FromMinutes(1);

    public TimeSpan AccessTokenLifetime { get; init; } = TimeSpan.FromMinutes(5);

    public TimeSpan RefreshTokenLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>False before 2026.5: the parameter is ignored and the person stays at the provider.</summary>
    public bool EndSessionHonoursPostLogoutRedirectUri { get; init; } = true;

    /// <summary>False with <c>default-provider-invalidation-flow</c>, which has no stages.</summary>
    public bool EndSessionEndsProviderSession { get; init; } = true;

    /// <summary>Before 2026.8 a call without a provider session forced a sign-in first.</summary>
    public bool EndSessionAsksForSignIn { get; init; }

    /// <summary>Set: told of every ended session, once for each live access token.</summary>
    public Uri? BackchannelLogoutUri { get; init; }

    /// <summary>Set: loaded in a hidden frame when the person signs out.</summary>
    public Uri? FrontchannelLogoutUri { get; init; }
}

/// <summary>How tokens are signed; the last two are attacks.</summary>
internal enum SigningMode
{
    RS256,
    ES256,

    /// <summary>With a key of the curve Ed25519.</summary>
    EdDSA,

    /// <summary>A provider without a signing key: signed with the client secret, and the key set is <c>{}</c>.</summary>
    HS256,

    /// <summary>An attack: <c>alg: none</c>.</summary>
    None,

    /// <summary>An attack: signed by a key that is not in the key set, under the identifier of one that is.</summary>
    WrongKey,
}

/// <summary>Which of a client's ways to prove itself are taken.</summary>
internal enum ClientAuthentication
{
    BasicOrPost,
    BasicOnly,
    PostOnly,
}

/// <summary>Which audience a client's assertion must have.</summary>
internal enum AssertionAudience
{
    Issuer,

    /// <summary>The address to which it is sent.</summary>
    Endpoint,
}

/// <summary>How the provider takes pushed authorization requests.</summary>
internal enum PushedRequests
{
    None,
    Offered,

    /// <summary>Discovery says so, and others are refused.</summary>
    Required,

    /// <summary>For this client alone: discovery only offers it.</summary>
    RequiredOfClient,
}

/// <summary>Which authorization responses have <c>iss</c>.</summary>
internal enum IssuerInAnswers
{
    None,
    All,

    /// <summary>Errors have none, as at Duende IdentityServer.</summary>
    CodesOnly,
}

/// <summary>A way for the provider to be away.</summary>
internal enum Outage
{
    None,
    DropsConnections,
    ServiceUnavailable,
}

/// <summary>An OAuth error that the provider is told to answer with.</summary>
internal sealed record ProviderError(string Error, string? Description = null);
