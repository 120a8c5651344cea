using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks.Servers;

/// <summary>The gateway as a process of its own: how it is set up, and how somebody signs in there.</summary>
/// <param name="RedisUrl">Null: SQLite, in a data directory of its own.</param>
internal sealed record GatewayProgram(
    Workbench Bench,
    string Name,
    Uri Upstream,
    DevelopmentProvider Provider,
    bool RequestLog = false,
    bool Metrics = false,
    double? Traces = null,
    string? RedisUrl = null)
{
    private readonly int _managementPort = Workbench.FreePort();

    public int Port { get; } = Workbench.FreePort();

    /// <summary>Where browsers find it, if not where it listens.</summary>
    public int? PublicPort { get; init; }

    /// <summary>For https; null: http.</summary>
    public string? Certificate { get; init; }

    /// <summary>Of Paperless; an upstream that is none takes any.</summary>
    public string Token { get; init; } = "0123456789";

    /// <summary>Further settings, by the names of their variables.</summary>
    public IReadOnlyDictionary<string, string> Further { get; init; } = new Dictionary<string, string>();

    public Uri Address => new($"{Scheme}://localhost:{PublicPort ?? Port}/");

    public Uri LiveAddress => new($"http://127.0.0.1:{_managementPort}/health/live");

    private string Scheme => Certificate is null ? "http" : "https";

    public string DataDirectory => Path.Combine(Bench.Folder, "gateway-" + Name);

    /// <summary>As an operator sets it.</summary>
    public IReadOnlyDictionary<string, string> Environment()
    {
        string origin = Address.GetLeftPart(UriPartial.Authority);
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_URLS"] = $"{Scheme}://localhost:{Port}",
            ["PAPERLESS_URL"] = origin,
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = $$$"""
                {"openid_connect": {"APPS": [{
                    "provider_id": "authentik",
                    "client_id": "{{{Provider.Options.ClientId}}}",
                    "secret": "{{{Provider.Options.ClientSecret}}}",
                    "settings": {"server_url": "{{{Provider.DiscoveryUrl}}}"}
                }]}}
                """,
            ["GATEWAY_PAPERLESS_TOKEN"] = Token,
            ["GATEWAY_UPSTREAM_URL"] = Upstream.GetLeftPart(UriPartial.Authority),
            ["GATEWAY_DATA_DIR"] = DataDirectory,
            ["GATEWAY_METRICS"] = Metrics ? "true" : "false",
            ["GATEWAY_MANAGEMENT_URL"] = LiveAddress.GetLeftPart(UriPartial.Authority),
        };
        if (!RequestLog)
        {
            environment["Serilog__MinimumLevel__Override__Gateway.AccessLog"] = "Warning";
        }

        if (Traces is { } share)
        {
            // Nobody takes the spans: the gateway makes them, and its background thread fails to send them.
            environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = $"http://127.0.0.1:{Workbench.FreePort()}/v1/traces";
            environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
            environment["OTEL_TRACES_SAMPLER"] = "traceidratio";
            environment["OTEL_TRACES_SAMPLER_ARG"] = share.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (Certificate is not null)
        {
            environment["Kestrel__Certificates__Default__Path"] = Certificate;
        }

        if (RedisUrl is not null)
        {
            environment["GATEWAY_REDIS_URL"] = RedisUrl;
        }

        foreach ((string name, string value) in Further)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <param name="assembly">Null: as it was built beside the benchmarks.</param>
    public Child Start(string? assembly = null)
    {
        Provider.Options = Provider.Options with { RedirectUris = [.. Provider.Options.RedirectUris, Address + "accounts/oidc/authentik/login/callback/"] };
        return Bench.Start("dotnet", [assembly ?? typeof(Settings.GatewaySettings).Assembly.Location], Environment());
    }

    /// <returns>The `Cookie` header of somebody who is signed in.</returns>
    public Task<string> SignInAsync() => Servers.Provider.SignInAsync(new Uri(Address, "accounts/oidc/authentik/login/"), Bench.Cancel);
}
