using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Gateway.Settings;

/// <summary>All settings of the environment: typed, validated and immutable.</summary>
internal sealed record GatewaySettings
{
    public required PublicOrigin Public { get; init; }

    /// <summary>`PAPERLESS_FORCE_SCRIPT_NAME`: the path below which Paperless lives, without a trailing slash; empty at the root.</summary>
    public required string ScriptName { get; init; }

    /// <summary>Further hosts at which the gateway answers clients that bring their own credentials.</summary>
    public required HostPatterns AllowedHosts { get; init; }

    public required ImmutableArray<IPNetwork> TrustedProxies { get; init; }

    /// <summary>The addresses of Paperless. Several addresses are replicas.</summary>
    public required ImmutableArray<Uri> Upstreams { get; init; }

    public required string DataDirectory { get; init; }

    /// <summary>Null: a single gateway that stores everything in the data directory.</summary>
    public RedisSettings? Redis { get; init; }

    public StorageSettings Storage => new(DataDirectory, Redis);

    public required Uri ManagementUrl { get; init; }

    /// <summary>`GATEWAY_HSTS`: how long browsers use https alone; null: the gateway does not tell them.</summary>
    public TimeSpan? Hsts { get; init; }

    /// <summary>`GATEWAY_DRAIN`: how long the gateway accepts requests after SIGTERM, while it is not ready any more.</summary>
    public TimeSpan Drain { get; init; }

    public required MetricsSettings Metrics { get; init; }

    public required TracingSettings Tracing { get; init; }

    public required LogSettings Log { get; init; }

    /// <summary>At least one. `PAPERLESS_REDIRECT_LOGIN_TO_SSO` leads to the first one.</summary>
    public required ImmutableArray<ProviderSettings> Providers { get; init; }

    /// <summary>`GATEWAY_OFFLINE_ACCESS`: whether sign-ins ask for a refresh token.</summary>
    public required OfflineAccessMode OfflineAccess { get; init; }

    public required IdentitySettings Identity { get; init; }

    public required AccountSettings Accounts { get; init; }

    public required SessionSettings Session { get; init; }

    public AppSettings Apps => Session.Apps;

    public required PaperlessSettings Paperless { get; init; }

    /// <summary>The headers that tell Paperless the scheme of the public address.</summary>
    public ImmutableArray<(string Name, string Value)> SchemeHeaders
    {
        get
        {
            const string common = "X-Forwarded-Proto";
            if (!Public.IsHttps || Paperless.ProxySslHeader is not { } header)
            {
                return [(common, Public.Scheme)];
            }

            return header.Name == common ? [(common, header.Value)] : [(common, Public.Scheme), (header.Name, header.Value)];
        }
    }

    /// <summary>`GATEWAY_FAILED_LOGINS`; null: guessing is not limited here.</summary>
    public required FailedLoginLimit? FailedLogins { get; init; }

    /// <summary>Names, pictures and texts on the pages of the gateway.</summary>
    public AppearanceSettings Appearance { get; init; } = new(null, null);

    /// <summary>The variables that are set, as the admin page shows them.</summary>
    public ImmutableArray<ShownSetting> Shown { get; init; } = [];

    /// <summary>`GATEWAY_STATIC_CACHE`: the gateway caches the static files of Paperless in memory.</summary>
    public required bool StaticCache { get; init; }

    /// <summary>Whether `GATEWAY_TRUSTED_PROXIES` names the other end of a connection.</summary>
    public bool IsTrustedProxy(IPAddress? address)
    {
        if (TrustedProxies.IsEmpty || address is null)
        {
            return false;
        }

        IPAddress peer = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return TrustedProxies.Any(network => network.Contains(peer));
    }
}

/// <summary>Where the gateway keeps what outlives the process.</summary>
/// <param name="DataDirectory">`GATEWAY_DATA_DIR`.</param>
/// <param name="Redis">`GATEWAY_REDIS_URL`; null where SQLite in the data directory is the store.</param>
internal sealed record StorageSettings(string DataDirectory, RedisSettings? Redis);

/// <summary>Which claims determine the Paperless user.</summary>
internal sealed record IdentitySettings(
    string UsernameClaim,
    string GroupsClaim,
    GroupMap GroupMap,
    ImmutableHashSet<string> AllowedGroups)
{
    /// <summary>The entries of `GATEWAY_ALLOWED_GROUPS` that are patterns.</summary>
    public ImmutableArray<ClaimPattern> AllowedGroupPatterns { get; init; } = [];

    /// <summary>`GATEWAY_USERNAME_MAP`: from the provider's user names to those in Paperless.</summary>
    public GroupMap UsernameMap { get; init; } = GroupMap.Empty;

    /// <summary>`GATEWAY_ALLOWED_EMAIL_DOMAINS`; empty: everybody.</summary>
    public ImmutableHashSet<string> AllowedEmailDomains { get; init; } = [];

    /// <summary>`GATEWAY_REQUIRED_CLAIMS`: all of them must hold.</summary>
    public ImmutableArray<RequiredClaim> RequiredClaims { get; init; } = [];
}

/// <summary>A claim that must have one of these values, or that must match one of these patterns.</summary>
internal sealed record RequiredClaim(string Claim, ImmutableArray<string> Values, ImmutableArray<ClaimPattern> Patterns)
{
    public bool Accepts(string value) => Values.Contains(value) || Patterns.Any(pattern => pattern.IsMatch(value));
}

/// <summary>Who gets a Paperless account, and which of its properties follow the provider.</summary>
internal sealed record AccountSettings
{
    /// <summary>The credential for the API of Paperless.</summary>
    public required ApiCredential Credential
    {
        get => _credential.Value;
        init => _credential = new(value);
    }

    private readonly RotatingSecret<ApiCredential> _credential = new(new ApiCredential(null, null, null));

    /// <summary>Takes over the credential of a later reading.</summary>
    /// <returns>Whether it is another one.</returns>
    public bool Rotate(AccountSettings later)
    {
        if (Credential == later.Credential)
        {
            return false;
        }

        _credential.Value = later.Credential;
        return true;
    }

    /// <summary>`PAPERLESS_SOCIAL_AUTO_SIGNUP`: a new person gets an account without choosing a user name.</summary>
    public required bool AutoSignup { get; init; }

    /// <summary>`PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS`: new people get accounts.</summary>
    public required bool SignupsAllowed { get; init; }

    /// <summary>`GATEWAY_MATCH_ACCOUNTS`: which ordinary account a first sign-in takes over.</summary>
    public required AccountMatch Match { get; init; }

    /// <summary>`PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS`: groups follow the provider at every sign-in.</summary>
    public required bool SyncGroups { get; init; }

    public required bool CreateGroups { get; init; }

    /// <summary>`PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS` and `PAPERLESS_ACCOUNT_DEFAULT_GROUPS`: the groups of every new account.</summary>
    public required ImmutableArray<string> DefaultGroups { get; init; }

    /// <summary>If there are none, the gateway does not change the flag.</summary>
    public required FlagGroups SuperuserGroups { get; init; }

    /// <summary>If there are none, the gateway does not change the flag.</summary>
    public required FlagGroups StaffGroups { get; init; }

    /// <summary>Superusers get the staff flag as well: Paperless's own variables of the flags mean that.</summary>
    public bool SuperusersAreStaff { get; init; }
}

/// <summary>Which Paperless account belongs to somebody who signs in for the first time.</summary>
internal enum AccountMatch
{
    /// <summary>None: people connect their account themselves, or an operator links it.</summary>
    Never,

    /// <summary>The account of the same name.</summary>
    Username,

    /// <summary>The account of the same email address, if the provider has verified the address.</summary>
    VerifiedEmail,
}

/// <summary>The API token of a superuser, or the user name and password with which the gateway fetches the token.</summary>
internal sealed record ApiCredential(string? Token, string? User, string? Password)
{
    /// <summary>For logs and debuggers: leaves out the token and the password.</summary>
    public override string ToString() => Token is null ? $"the password of {User}" : "an API token";
}

/// <summary>The idle timeout of a session, its absolute lifetime, and the interval of rechecks at the provider.</summary>
internal sealed record SessionSettings(TimeSpan Idle, TimeSpan Lifetime, TimeSpan Recheck)
{
    /// <summary>For device passwords, which are stored like sessions.</summary>
    public AppSettings Apps { get; init; } = AppSettings.Default;
}

/// <summary>Apps, scanners and programs: device passwords, and the single sign-on of apps.</summary>
internal sealed record AppSettings
{
    public static readonly AppSettings Default = new();

    /// <summary>`GATEWAY_APPS`.</summary>
    public bool IsOn { get; init; } = true;

    /// <summary>The interval of rechecks of a device password at the provider.</summary>
    public TimeSpan Recheck { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a device password lives at most that the provider cannot be asked about.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(180);

    /// <summary>Whether API tokens of Paperless are accepted.</summary>
    public bool PaperlessTokens { get; init; } = true;

    /// <summary>`GATEWAY_BEARER_AUDIENCES`: the API accepts access tokens of the providers for one of these audiences. Empty: none.</summary>
    public ImmutableArray<string> BearerAudiences { get; init; } = [];

    public bool TakesBearerTokens => IsOn && !BearerAudiences.IsEmpty;
}

/// <summary>How many passwords and tokens may fail within a time before the next attempt is refused.</summary>
internal sealed record FailedLoginLimit(int Count, TimeSpan Window);

/// <summary>The settings of Paperless that the gateway must know.</summary>
internal sealed record PaperlessSettings(
    string UserHeader,
    string CookiePrefix,
    bool RegularLoginDisabled,
    bool RedirectLoginToSso,
    bool AccountSignupsAllowed,
    Uri? LogoutRedirectUrl)
{
    /// <summary>`PAPERLESS_PROXY_SSL_HEADER`: the header and its value that tell Paperless that the browser uses https.</summary>
    public ProxySslHeader? ProxySslHeader { get; init; }

    /// <summary>`PAPERLESS_CORS_ALLOWED_HOSTS`: the origins of web apps that may call the API, as browsers send them in `Origin`.</summary>
    public ImmutableHashSet<string> CorsOrigins { get; init; } = DefaultCorsOrigins;

    /// <summary>Paperless's own default.</summary>
    public static readonly ImmutableHashSet<string> DefaultCorsOrigins = ["http://localhost:8000"];

    public string SessionCookie { get; } = CookiePrefix + "sessionid";

    public string CsrfCookie { get; } = CookiePrefix + "csrftoken";

    /// <summary>Paperless's interface writes the language that its user has set to this cookie, for Django.</summary>
    public string LanguageCookie { get; } = CookiePrefix + "django_language";
}

/// <summary>Django's `SECURE_PROXY_SSL_HEADER`.</summary>
/// <param name="Name">The header's name, such as `X-Forwarded-Proto`.</param>
/// <param name="Value">The value that means https.</param>
internal sealed record ProxySslHeader(string Name, string Value);

/// <summary>One OpenID Connect provider: an entry of `openid_connect.APPS` in `PAPERLESS_SOCIALACCOUNT_PROVIDERS`.</summary>
internal sealed record ProviderSettings
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Empty for a public client, and for one with a private key.</summary>
    public required string ClientSecret
    {
        get => _clientSecret.Value;
        init => _clientSecret = new(value);
    }

    private readonly RotatingSecret<string> _clientSecret = new("");

    /// <summary>The full address of the discovery document.</summary>
    public required Uri DiscoveryUrl { get; init; }

    /// <summary>`GATEWAY_ALLOWED_TENANTS`: the ids of the tenants of Microsoft Entra whose people may sign in, if the provider is for several.</summary>
    public ImmutableHashSet<string> AllowedTenants { get; init; } = [];

    public required bool FetchUserInfo { get; init; }

    /// <summary>Null: chosen from the methods that the discovery document lists.</summary>
    public required TokenAuthMethod? TokenAuthMethod { get; init; }

    /// <summary>`GATEWAY_ID_TOKEN_ALGORITHMS`: the only algorithms of ID tokens and logout tokens. Empty: those of the discovery document.</summary>
    public ImmutableArray<string> IdTokenAlgorithms { get; init; } = [];

    /// <summary>The private key by which the client authenticates; null for every other method.</summary>
    public ClientKey? ClientKey
    {
        get => _clientKey.Value;
        init => _clientKey = new(value);
    }

    private readonly RotatingSecret<ClientKey?> _clientKey = new(null);

    /// <summary>Whether the secrets of a later reading belong to the same client of the same provider, and are of the same kind.</summary>
    public bool IsSameClient(ProviderSettings later) =>
        Id == later.Id && ClientId == later.ClientId && DiscoveryUrl == later.DiscoveryUrl
        && (ClientKey is null) == (later.ClientKey is null) && (ClientSecret.Length == 0) == (later.ClientSecret.Length == 0);

    /// <summary>Takes over the secrets of a later reading, if they are for the same client.</summary>
    /// <returns>Whether a secret is another one.</returns>
    public bool Rotate(ProviderSettings later)
    {
        if (!IsSameClient(later) || (ClientSecret == later.ClientSecret && ClientKey?.Thumbprint == later.ClientKey?.Thumbprint))
        {
            return false;
        }

        _clientSecret.Value = later.ClientSecret;
        _clientKey.Value = later.ClientKey;
        return true;
    }

    /// <summary>The claim that contains the subject: `uid_field`, by default `sub`.</summary>
    public required string SubjectClaim { get; init; }

    public required ImmutableArray<string> Scopes { get; init; }

    /// <summary>Additional parameters of the authorization request (`AUTH_PARAMS`).</summary>
    public required ImmutableSortedDictionary<string, string> AuthorizationParameters { get; init; }

    public const string MaxAgeParameter = "max_age";

    /// <summary>`max_age` of the authorization request: how old the authentication at the provider may be. Null if it is not set.</summary>
    public TimeSpan? MaxAge => AuthorizationParameters.TryGetValue(MaxAgeParameter, out string? seconds)
        ? TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture))
        : null;

    /// <summary>`acr_values` of the authorization request: the authentication contexts of which one is required. Empty if it is not set.</summary>
    public string[] AuthenticationContexts =>
        AuthorizationParameters.GetValueOrDefault("acr_values", "").Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>`GATEWAY_APP_CLIENT_IDS`: the clients of apps at this provider. They are public: an app keeps no secret.</summary>
    public ImmutableArray<string> AppClientIds { get; init; } = [];

    /// <summary>
    /// The clients with which apps sign in: without `GATEWAY_APP_CLIENT_IDS` the gateway's own if it is a public one, because an app keeps no secret. With
    /// the setting, an ID token of a browser's sign-in is never an app's.
    /// </summary>
    public ImmutableArray<string> ClientsOfApps => AppClientIds.IsEmpty && ClientSecret.Length == 0 && ClientKey is null ? [ClientId] : AppClientIds;

    /// <summary>`GATEWAY_APP_ISSUERS`: the issuers of these clients, where they are others than the one of the discovery document.</summary>
    public ImmutableArray<string> AppIssuers { get; init; } = [];

    /// <summary>Further issuers whose tokens are accepted. Empty for the gateway's own client.</summary>
    public ImmutableArray<string> FurtherIssuers { get; private init; } = [];

    /// <summary>The same provider for a client of an app: its tokens name the app's client and are never signed with the gateway's secret.</summary>
    public ProviderSettings ForApp(string clientId) =>
        clientId == ClientId ? this : this with { ClientId = clientId, ClientSecret = "", ClientKey = null, FurtherIssuers = AppIssuers };

    /// <summary>For logs and debuggers: leaves out the secret.</summary>
    public override string ToString() => $"{Id} ({DiscoveryUrl})";
}

/// <summary>How the client authenticates at the token endpoint (OpenID Connect Core 1.0, section 9).</summary>
internal enum TokenAuthMethod
{
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
}

/// <summary>Whether sign-ins ask for the scope `offline_access` (OpenID Connect Core 1.0, section 11).</summary>
internal enum OfflineAccessMode
{
    /// <summary>If `SCOPE` names it, or if the provider ignores scopes that the client does not have.</summary>
    Auto,

    /// <summary>Not even if `SCOPE` names it.</summary>
    Never,

    Always,
}

/// <summary>Whether metrics are collected.</summary>
/// <param name="OtlpEndpoint">`OTEL_EXPORTER_OTLP_ENDPOINT`: where they are sent, beside being scraped; null: nowhere.</param>
internal sealed record MetricsSettings(bool IsOn, Uri? OtlpEndpoint);
