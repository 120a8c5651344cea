using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>Reads <see cref="GatewaySettings"/> from the environment. No other code reads environment variables.</summary>
internal sealed partial class GatewaySettingsReader(IConfiguration configuration)
{
    public const string ClientKeyVariable = "GATEWAY_CLIENT_KEY";

    private const int DefaultSessionCookieAge = 1_814_400;

    private readonly Variables _variables = new(configuration);

    /// <exception cref="SettingsException">Settings are invalid. The exception lists every problem.</exception>
    public (GatewaySettings Settings, IReadOnlyList<string> Warnings) Read()
    {
        PublicOrigin? origin = Public();
        ImmutableArray<ProviderSettings> providers = new AppClientSettingsReader(_variables).Apply(new IdTokenSettingsReader(_variables).Apply(Providers()));
        CredentialSettingsReader credentials = new(_variables);
        GatewaySettings settings = new()
        {
            Public = origin ?? new PublicOrigin(new Uri("http://invalid.invalid")),
            ScriptName = ScriptName(),
            AllowedHosts = AllowedHosts(),
            TrustedProxies = TrustedProxies(),
            Upstreams = Upstreams(),
            DataDirectory = DataDirectory(),
            Redis = Redis(),
            ManagementUrl = ManagementUrl(),
            Hsts = Hsts(origin),
            Drain = Drain(),
            Metrics = Metrics(),
            Tracing = new TracingSettingsReader(_variables).Read(),
            Log = new LogSettingsReader(_variables).Read(),
            Providers = providers,
            OfflineAccess = OfflineAccess(),
            Identity = new IdentitySettingsReader(_variables).Read(),
            Accounts = new AccountSettingsReader(_variables).Read(
                [.. providers.Select(provider => provider.Id)],
                accountSignups: _variables.Flag("PAPERLESS_ACCOUNT_ALLOW_SIGNUPS"),
                severalTenants: providers.Any(provider => provider.AllowedTenants.Count > 1 && TenantIssuer.IsForEveryTenant(provider.DiscoveryUrl))),
            Session = Session(providers, credentials),
            Paperless = new PaperlessSettingsReader(_variables).Read(origin),
            FailedLogins = credentials.ReadFailedLogins(),
            Appearance = new AppearanceSettingsReader(_variables).Read([.. providers.Select(provider => provider.Id)]),
            StaticCache = _variables.Flag("GATEWAY_STATIC_CACHE", fallback: true),
        };
        CheckUnknownNames();
        new UnusedPaperlessSettingsReader(configuration, _variables).Warn();
        return _variables.Problems.Count > 0 ? throw new SettingsException(_variables.Problems)
            : (settings with { Shown = new ShownSettingsReader(_variables).Read() }, _variables.Warnings);
    }

    /// <summary>Every variable that the gateway reads.</summary>
    public static IReadOnlySet<string> Names()
    {
        GatewaySettingsReader reader = new(new ConfigurationBuilder().Build());
        try
        {
            reader.Read();
        }
        catch (SettingsException)
        {
            // Expected, because the environment is empty. The reader has recorded the names that it read.
        }

        return reader._variables.Known;
    }

    private ImmutableArray<ProviderSettings> Providers()
    {
        const string name = "PAPERLESS_SOCIALACCOUNT_PROVIDERS";
        ImmutableArray<ProviderSettings> providers = new SocialAccountProviders(name, _variables, ClientKey()).Read(_variables.Text(name));
        ImmutableHashSet<string> tenants = AllowedTenants(providers);
        return [.. providers.Select(provider => provider with { AllowedTenants = tenants })];
    }

    private ImmutableHashSet<string> AllowedTenants(ImmutableArray<ProviderSettings> providers)
    {
        const string name = "GATEWAY_ALLOWED_TENANTS";
        ImmutableArray<string> tenants = _variables.List(name);
        foreach (string tenant in tenants.Where(tenant => !Guid.TryParseExact(tenant, "D", out _)))
        {
            _variables.Problem(name, $"\"{tenant}\" is not the id of a tenant.", "Write ids such as 6babcaad-604b-40ac-a9d7-9fd97c0b779f, comma-separated.");
        }

        bool isSet = _variables.Text(name) is not null || _variables.IsUnreadable(name);
        foreach (ProviderSettings provider in providers.Where(provider => !isSet && TenantIssuer.IsForEveryTenant(provider.DiscoveryUrl)))
        {
            _variables.Problem(
                name,
                $"is not set, but the server_url of {provider.Id} is for the people of every Microsoft Entra tenant.",
                "List the ids of the tenants whose people may sign in, or write the id of your tenant into server_url in place of \"common\" or "
                    + "\"organizations\".");
        }

        return [.. tenants.Select(tenant => tenant.ToLowerInvariant())];
    }

    private ClientKey? ClientKey()
    {
        if (_variables.Text(ClientKeyVariable) is not { } pem)
        {
            return null;
        }

        ClientKey? key = Settings.ClientKey.Parse(pem, out string error);
        if (key is null)
        {
            _variables.Problem(
                _variables.Source(ClientKeyVariable),
                $"{error}.",
                "Name a file with a private key in PEM format and without a password: RSA with 2048 bits or more, or EC with the curve P-256.");
        }

        return key;
    }

    private PublicOrigin? Public()
    {
        const string own = "GATEWAY_PUBLIC_URL";
        const string paperless = "PAPERLESS_URL";
        Uri? paperlessUrl = _variables.HttpUrl(paperless);
        bool hasOwn = _variables.Text(own) is not null;
        string name = hasOwn ? own : paperless;
        Uri? url = hasOwn ? _variables.HttpUrl(own) : paperlessUrl;
        if (_variables.Text(name) is null && !_variables.IsUnreadable(name))
        {
            _variables.Problem(paperless, "is not set.", "Write the address that people type, such as https://docs.example.com.");
        }

        if (_variables.Text(paperless)?.EndsWith('/') == true && paperlessUrl?.PathAndQuery == "/")
        {
            _variables.Warn(
                $"{paperless} ends with a slash, so Paperless may reject changes as cross-site (CSRF). Write {new PublicOrigin(paperlessUrl).Origin}.");
        }

        if (url is not null && url.PathAndQuery != "/")
        {
            _variables.Problem(name, "has a path.", $"Write {new PublicOrigin(url).Origin} (a path goes into PAPERLESS_FORCE_SCRIPT_NAME).");
        }

        return url is null ? null : new PublicOrigin(url);
    }

    private HostPatterns AllowedHosts()
    {
        const string name = "PAPERLESS_ALLOWED_HOSTS";
        ImmutableArray<string> hosts = _variables.List(name);
        foreach (string host in hosts.Where(
            host => host.Contains('/', StringComparison.Ordinal) || (host[^1] != ']' && host.Contains(':', StringComparison.Ordinal))))
        {
            _variables.Warn($"{name}: \"{host}\" matches no host; write the name alone, without scheme and port.");
        }

        return new HostPatterns(hosts);
    }

    private string ScriptName()
    {
        string? name = _variables.Text("PAPERLESS_FORCE_SCRIPT_NAME");
        if (name is null || PlainPath().IsMatch(name))
        {
            return name ?? "";
        }

        _variables.Problem(
            "PAPERLESS_FORCE_SCRIPT_NAME",
            $"\"{name}\" is not a plain path.",
            "Write it like /paperless: with a leading slash, without a trailing slash.");
        return "";
    }

    private ImmutableArray<System.Net.IPNetwork> TrustedProxies() =>
        _variables.Text("GATEWAY_TRUSTED_PROXIES") is null ? _variables.Networks("PAPERLESS_TRUSTED_PROXIES") : _variables.Networks("GATEWAY_TRUSTED_PROXIES");

    private ImmutableArray<Uri> Upstreams()
    {
        const string name = "GATEWAY_UPSTREAM_URL";
        ImmutableArray<string> texts = _variables.List(name);
        ImmutableArray<Uri> urls = [.. (texts.IsEmpty ? ["http://localhost:8000"] : texts).Select(text => _variables.HttpUrl(name, text)).OfType<Uri>()];
        foreach (Uri url in urls.Where(url => url.PathAndQuery != "/"))
        {
            _variables.Problem(name, $"\"{url}\" has a path.", "Write scheme, host and port only; Paperless's own path is PAPERLESS_FORCE_SCRIPT_NAME.");
        }

        return [.. urls.Distinct()];
    }

    private RedisSettings? Redis()
    {
        const string name = "GATEWAY_REDIS_URL";
        if (_variables.Text(name) is not { } text)
        {
            return null;
        }

        RedisSettings? redis = RedisSettings.Parse(text);
        if (redis is null)
        {
            // The message does not quote the value, which may contain a password.
            _variables.Problem(
                name,
                "the value is not a Redis address.",
                "Write redis://user:password@host:6379/0 (rediss:// for TLS; escape what is special in a URL), or a connection string of StackExchange.Redis.");
        }

        return redis;
    }

    /// <summary>Where the gateway stores its data, for a command that needs nothing else: the other settings may be lost.</summary>
    /// <exception cref="SettingsException">The value of a setting is not valid.</exception>
    public StorageSettings Storage()
    {
        StorageSettings storage = new(DataDirectory(), Redis());
        return _variables.Problems.Count > 0 ? throw new SettingsException(_variables.Problems) : storage;
    }

    /// <summary>The files that variables `NAME_FILE` name.</summary>
    public IReadOnlyList<SecretFile> SecretFiles() =>
    [
        .. Names().Order(StringComparer.Ordinal).Select(name => _variables.FileOf(name)).OfType<SecretFile>(),
    ];

    /// <summary>The files whose secrets the gateway reads again while it runs. Other files need a restart.</summary>
    public IReadOnlyList<SecretFile> RotatingFiles() =>
    [
        .. new[] { "PAPERLESS_SOCIALACCOUNT_PROVIDERS", ClientKeyVariable, "GATEWAY_PAPERLESS_TOKEN", "PAPERLESS_ADMIN_PASSWORD" }
            .Select(name => _variables.FileOf(name))
            .OfType<SecretFile>(),
    ];

    private string DataDirectory() => Path.GetFullPath(_variables.Text("GATEWAY_DATA_DIR") ?? "data");

    /// <summary>`GATEWAY_MANAGEMENT_URL` alone, for a command that needs nothing else.</summary>
    /// <exception cref="SettingsException">The value is not a valid address.</exception>
    public Uri ManagementAddress()
    {
        Uri address = ManagementUrl();
        return _variables.Problems.Count > 0 ? throw new SettingsException(_variables.Problems) : address;
    }

    private Uri ManagementUrl()
    {
        const string name = "GATEWAY_MANAGEMENT_URL";
        string text = _variables.Text(name) ?? "http://127.0.0.1:8081";

        // Kestrel's "+" and "*" mean every address. Uri does not accept them as a host.
        string plain = text.Replace("://+", "://0.0.0.0", StringComparison.Ordinal).Replace("://*", "://0.0.0.0", StringComparison.Ordinal);
        Uri? url = _variables.HttpUrl(name, plain);
        if (url is not null && (url.Scheme != Uri.UriSchemeHttp || url.PathAndQuery != "/"))
        {
            _variables.Problem(name, $"\"{text}\" is not plain http without a path.", "Write it as http://127.0.0.1:8081.");
        }

        return url ?? new Uri("http://127.0.0.1:8081");
    }

    /// <summary>
    /// Browsers ignore the header over http, and a public address with http must stay usable. The header counts for all ports of the host: where the
    /// gateway has a port of its own, others may serve plain http at the same name, so the operator decides.
    /// </summary>
    private TimeSpan? Hsts(PublicOrigin? origin)
    {
        const string name = "GATEWAY_HSTS";
        bool isHttps = origin?.IsHttps == true;
        if (_variables.Text(name) is not { } text)
        {
            return isHttps && origin!.Port == 443 ? TimeSpan.FromDays(30) : null;
        }

        if (text == "0" || text.Equals("off", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (!Variables.TryReadDuration(text, out TimeSpan maxAge) || char.IsAsciiDigit(text[^1]))
        {
            _variables.Problem(name, $"\"{text}\" is neither a time nor off.", "Write how long browsers use https alone, such as 30d or 365d, or off.");
        }
        else if (origin is not null && !isHttps)
        {
            _variables.Warn($"{name} has no effect: the public address {origin} is not https.");
        }

        return isHttps ? maxAge : null;
    }

    /// <summary>Not longer than a person waits for `docker stop`; off by default, because without a load balancer nobody needs it.</summary>
    private TimeSpan Drain()
    {
        const string name = "GATEWAY_DRAIN";
        TimeSpan drain = _variables.Text(name) is "0" or "off" ? TimeSpan.Zero : _variables.Duration(name, TimeSpan.Zero);
        if (drain > TimeSpan.FromMinutes(5))
        {
            _variables.Problem(name, $"\"{_variables.Text(name)}\" is longer than 5 minutes.", "Write some seconds, such as 10s.");
        }

        return drain;
    }

    /// <summary>On by default where somebody could read them: at an address that the operator has chosen, or at a collector.</summary>
    private MetricsSettings Metrics()
    {
        Uri? endpoint = _variables.HttpUrl("OTEL_EXPORTER_OTLP_ENDPOINT");
        bool isRead = _variables.Text("GATEWAY_MANAGEMENT_URL") is not null || endpoint is not null;
        return new MetricsSettings(_variables.Flag("GATEWAY_METRICS", fallback: isRead), endpoint);
    }

    private OfflineAccessMode OfflineAccess()
    {
        const string name = "GATEWAY_OFFLINE_ACCESS";
        switch (_variables.Text(name)?.ToUpperInvariant())
        {
            case null or "AUTO":
                return OfflineAccessMode.Auto;
            case "NEVER":
                return OfflineAccessMode.Never;
            case "ALWAYS":
                return OfflineAccessMode.Always;
            default:
                _variables.Problem(name, $"\"{_variables.Text(name)}\" is none of its values.", "Write auto, never or always.");
                return OfflineAccessMode.Auto;
        }
    }

    private SessionSettings Session(ImmutableArray<ProviderSettings> providers, CredentialSettingsReader credentials)
    {
        TimeSpan cookieAge = _variables.Duration("PAPERLESS_SESSION_COOKIE_AGE", TimeSpan.FromSeconds(DefaultSessionCookieAge));
        TimeSpan lifetime = _variables.Duration("GATEWAY_SESSION_LIFETIME", cookieAge);
        TimeSpan recheck = RecheckInterval.Read(_variables, "GATEWAY_SESSION_RECHECK", TimeSpan.FromMinutes(5), example: "5m");
        TimeSpan idle = _variables.Duration("GATEWAY_SESSION_IDLE", TimeSpan.FromHours(24));
        return new SessionSettings(idle, lifetime, recheck) { Apps = credentials.ReadApps(providers) };
    }

    /// <summary>A typo must not disable a protection: a name close to a known one is a problem, any other unknown name a warning.</summary>
    private void CheckUnknownNames()
    {
        foreach ((string name, _) in configuration.AsEnumerable())
        {
            if (!name.StartsWith("GATEWAY_", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            string plain = name.EndsWith("_FILE", StringComparison.OrdinalIgnoreCase) ? name[..^5] : name;
            if (_variables.Known.Contains(plain))
            {
                continue;
            }

            if (_variables.Known.FirstOrDefault(known => EditDistance.IsWithin(known, plain.ToUpperInvariant(), 2)) is { } meant)
            {
                _variables.Problem(name, "is not a setting of the gateway.", $"Did you mean {meant}?");
            }
            else
            {
                _variables.Warn($"{name} is not a setting of this version and has no effect.");
            }
        }
    }

    [GeneratedRegex(@"\A(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\z")]
    private static partial Regex PlainPath();
}
