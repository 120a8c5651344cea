using System.Collections.Immutable;
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

    /// <summary>`GATEWAY_HSTS`: how long browsers use only https; null: the gateway does not tell them.</summary>
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

    /// <summary>`GATEWAY_READ_AHEAD`: the gateway asks Paperless for what a page will ask for.</summary>
    public required bool ReadAhead { get; init; }

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

/// <summary>How many passwords and tokens may fail within a time before the next attempt is refused.</summary>
internal sealed record FailedLoginLimit(int Count, TimeSpan Window);

/// <summary>Whether metrics are collected.</summary>
/// <param name="OtlpEndpoint">`OTEL_EXPORTER_OTLP_ENDPOINT`: where they are sent, beside being scraped; null: nowhere.</param>
internal sealed record MetricsSettings(bool IsOn, Uri? OtlpEndpoint);
