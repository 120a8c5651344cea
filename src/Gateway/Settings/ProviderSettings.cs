using System.Collections.Immutable;
using System.Globalization;

namespace Gateway.Settings;

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
