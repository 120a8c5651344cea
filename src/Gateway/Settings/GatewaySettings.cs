using System.Collections.Immutable;
using System.Net;

namespace Gateway.Settings;

/// <summary>Everything the environment says, typed, checked and immutable.</summary>
internal sealed record GatewaySettings
{
    public required PublicOrigin Public { get; init; }

    /// <summary>`PAPERLESS_FORCE_SCRIPT_NAME`: the path that Paperless lives under, without a slash at its end; empty at the root.</summary>
    public required string ScriptName { get; init; }

    /// <summary>Hosts beside the public one at which clients with their own credentials are answered.</summary>
    public required HostPatterns AllowedHosts { get; init; }

    public required ImmutableArray<IPNetwork> TrustedProxies { get; init; }

    /// <summary>Paperless itself; more than one are replicas.</summary>
    public required ImmutableArray<Uri> Upstreams { get; init; }

    public required string DataDirectory { get; init; }

    /// <summary>Null: this gateway is alone, and keeps everything in the data directory.</summary>
    public RedisSettings? Redis { get; init; }

    public required Uri ManagementUrl { get; init; }

    /// <summary>At least one; the first is where `PAPERLESS_REDIRECT_LOGIN_TO_SSO` leads.</summary>
    public required ImmutableArray<ProviderSettings> Providers { get; init; }

    public required IdentitySettings Identity { get; init; }

    public required AccountSettings Accounts { get; init; }

    public required SessionSettings Session { get; init; }

    public required PaperlessSettings Paperless { get; init; }

    /// <summary>`GATEWAY_STATIC_CACHE`: Paperless's static files are answered from memory.</summary>
    public required bool StaticCache { get; init; }
}

/// <summary>How claims become a Paperless user.</summary>
internal sealed record IdentitySettings(
    string UsernameClaim,
    string GroupsClaim,
    GroupMap GroupMap,
    ImmutableHashSet<string> AllowedGroups);

/// <summary>Who gets a Paperless account, and what of it follows the provider.</summary>
internal sealed record AccountSettings
{
    /// <summary>How the gateway signs in at Paperless's own API.</summary>
    public required ApiCredential Credential { get; init; }

    /// <summary>`PAPERLESS_SOCIAL_AUTO_SIGNUP`: a new person gets an account without being asked for its name.</summary>
    public required bool AutoSignup { get; init; }

    /// <summary>`PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS`: a new person gets an account at all.</summary>
    public required bool SignupsAllowed { get; init; }

    /// <summary>`GATEWAY_MATCH_ACCOUNTS`: a first sign-in takes the ordinary account of the same name.</summary>
    public required bool MatchByUsername { get; init; }

    /// <summary>`PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS`: groups follow the provider at every sign-in.</summary>
    public required bool SyncGroups { get; init; }

    public required bool CreateGroups { get; init; }

    /// <summary>`PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS`, and `PAPERLESS_ACCOUNT_DEFAULT_GROUPS`: for every new account.</summary>
    public required ImmutableArray<string> DefaultGroups { get; init; }

    /// <summary>None: the flag is Paperless's own business.</summary>
    public required FlagGroups SuperuserGroups { get; init; }

    /// <summary>None: the flag is Paperless's own business.</summary>
    public required FlagGroups StaffGroups { get; init; }
}

/// <summary>A superuser's API token, or the user name and password that one is fetched with.</summary>
internal sealed record ApiCredential(string? Token, string? User, string? Password)
{
    /// <summary>For logs and debuggers: never the token or the password.</summary>
    public override string ToString() => Token is null ? $"the password of {User}" : "an API token";
}

/// <summary>How long a session lives without use, and at the most; and how often the provider is asked about it while it is in use.</summary>
internal sealed record SessionSettings(TimeSpan Idle, TimeSpan Lifetime, TimeSpan Recheck);

/// <summary>What the gateway must know of how Paperless itself is set up.</summary>
internal sealed record PaperlessSettings(
    string UserHeader,
    string CookiePrefix,
    bool RegularLoginDisabled,
    bool RedirectLoginToSso,
    bool AccountSignupsAllowed,
    Uri? LogoutRedirectUrl)
{
    public string SessionCookie { get; } = CookiePrefix + "sessionid";

    public string CsrfCookie { get; } = CookiePrefix + "csrftoken";
}

/// <summary>One OpenID Connect provider: an entry of `openid_connect.APPS` in `PAPERLESS_SOCIALACCOUNT_PROVIDERS`.</summary>
internal sealed record ProviderSettings
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Empty for a public client.</summary>
    public required string ClientSecret { get; init; }

    /// <summary>The discovery document's full address.</summary>
    public required Uri DiscoveryUrl { get; init; }

    public required bool FetchUserInfo { get; init; }

    /// <summary>Null: chosen by what the provider says it supports.</summary>
    public required TokenAuthMethod? TokenAuthMethod { get; init; }

    /// <summary>The claim that is the subject; `sub` unless `uid_field` says otherwise.</summary>
    public required string SubjectClaim { get; init; }

    public required ImmutableArray<string> Scopes { get; init; }

    /// <summary>Further parameters for the authorization request (`AUTH_PARAMS`).</summary>
    public required ImmutableSortedDictionary<string, string> AuthorizationParameters { get; init; }

    /// <summary>For logs and debuggers: never the secret.</summary>
    public override string ToString() => $"{Id} ({DiscoveryUrl})";
}

/// <summary>How the client authenticates at the token endpoint (OpenID Connect Core 1.0, section 9).</summary>
internal enum TokenAuthMethod
{
    ClientSecretBasic,
    ClientSecretPost,
    None,
}
