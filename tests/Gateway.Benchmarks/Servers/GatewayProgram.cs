using Gateway.Sandbox.Provider;

namespace Gateway.Benchmarks.Servers;

/// <summary>The gateway as a process of its own: how it is set up, and how somebody signs in there.</summary>
/// <param name="RedisUrl">Null: SQLite, in a data directory of its own.</param>
internal sealed record GatewayProgram(Workbench Bench, string Name, Uri Upstream, DevelopmentProvider Provider, bool RequestLog = false, string? RedisUrl = null)
{
    public int Port { get; } = Workbench.FreePort();

    public Uri Address => new($"http://localhost:{Port}/");

    public string DataDirectory => Path.Combine(Bench.Folder, "gateway-" + Name);

    /// <summary>As an operator sets it.</summary>
    public IReadOnlyDictionary<string, string> Environment()
    {
        string origin = Address.GetLeftPart(UriPartial.Authority);
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_URLS"] = origin,
            ["PAPERLESS_URL"] = origin,
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = $$$"""{"openid_connect": {"APPS": [{"provider_id": "authentik", "client_id": "{{{Provider.Options.ClientId}}}", "secret": "{{{Provider.Options.ClientSecret}}}", "settings": {"server_url": "{{{Provider.DiscoveryUrl}}}"}}]}}""",
            ["GATEWAY_PAPERLESS_TOKEN"] = "0123456789",
            ["GATEWAY_UPSTREAM_URL"] = Upstream.GetLeftPart(UriPartial.Authority),
            ["GATEWAY_DATA_DIR"] = DataDirectory,
            ["GATEWAY_MANAGEMENT_URL"] = $"http://127.0.0.1:{Workbench.FreePort()}",
        };
        if (!RequestLog)
        {
            environment["Serilog__MinimumLevel__Override__Gateway.AccessLog"] = "Warning";
        }

        if (RedisUrl is not null)
        {
            environment["GATEWAY_REDIS_URL"] = RedisUrl;
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
