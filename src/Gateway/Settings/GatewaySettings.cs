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

    public required Uri ManagementUrl { get; init; }

    /// <summary>At least one; the first is where `PAPERLESS_REDIRECT_LOGIN_TO_SSO` leads.</summary>
    public required ImmutableArray<ProviderSettings> Providers { get; init; }

    public required IdentitySettings Identity { get; init; }

    public required SessionSettings Session { get; init; }

    public required PaperlessSettings Paperless { get; init; }
}

/// <summary>How claims become a Paperless user.</summary>
internal sealed record IdentitySettings(
    string UsernameClaim,
    string GroupsClaim,
    GroupMap GroupMap,
    ImmutableHashSet<string> AllowedGroups);

/// <summary>How long a session lives without use, and at the most.</summary>
internal sealed record SessionSettings(TimeSpan Idle, TimeSpan Lifetime);

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
