using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>Reads <see cref="GatewaySettings"/> from the environment. No other code reads environment variables.</summary>
internal sealed class GatewaySettingsReader(IConfiguration configuration)
{
    public const string ClientKeyVariable = "GATEWAY_CLIENT_KEY";

    private const int DefaultSessionCookieAge = 1_814_400;

    private readonly Variables _variables = new(configuration);

    /// <exception cref="SettingsException">Settings are invalid. The exception lists every problem.</exception>
    public (GatewaySettings Settings, IReadOnlyList<string> Warnings) Read()
    {
        NetworkSettingsReader network = new(_variables);
        PublicOrigin? origin = network.Public();
        ImmutableArray<ProviderSettings> providers = new AppClientSettingsReader(_variables).Apply(new IdTokenSettingsReader(_variables).Apply(Providers()));
        CredentialSettingsReader credentials = new(_variables);
        GatewaySettings settings = new()
        {
            Public = origin ?? new PublicOrigin(new Uri("http://invalid.invalid")),
            ScriptName = network.ScriptName(),
            AllowedHosts = network.AllowedHosts(),
            TrustedProxies = network.TrustedProxies(),
            Upstreams = network.Upstreams(),
            DataDirectory = DataDirectory(),
            Redis = Redis(),
            ManagementUrl = network.ManagementUrl(),
            Hsts = network.Hsts(origin),
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

            // One of several gateways does not see the changes that pass through the others.
            ReadAhead = _variables.Flag("GATEWAY_READ_AHEAD", fallback: _variables.Text("GATEWAY_REDIS_URL") is null),
        };
        CheckUnknownNames();
        new UnusedPaperlessSettingsReader(configuration, _variables).Warn();
        ThrowIfInvalid();
        return (settings with { Shown = new ShownSettingsReader(_variables).Read() }, _variables.Warnings);
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

    private void ThrowIfInvalid()
    {
        if (_variables.Problems.Count > 0)
        {
            throw new SettingsException(_variables.Problems);
        }
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
        ThrowIfInvalid();
        return storage;
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
        Uri address = new NetworkSettingsReader(_variables).ManagementUrl();
        ThrowIfInvalid();
        return address;
    }

    /// <summary>Not longer than a person waits for `docker stop`; off by default, because without a load balancer nobody needs it.</summary>
    private TimeSpan Drain()
    {
        const string name = "GATEWAY_DRAIN";
        if (_variables.Text(name) is not { } text || Variables.IsOff(text))
        {
            return TimeSpan.Zero;
        }

        TimeSpan drain = _variables.Duration(name, TimeSpan.Zero);
        if (drain > TimeSpan.FromMinutes(5))
        {
            _variables.Problem(name, $"\"{text}\" is longer than 5 minutes.", "Write some seconds, such as 10s.");
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
}
