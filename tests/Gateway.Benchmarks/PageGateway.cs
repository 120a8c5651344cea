using System.Globalization;
using Gateway.Sandbox.Paperless;
using Gateway.Sandbox.Provider;

namespace Gateway.Benchmarks;

/// <summary>The gateway as a process before a stand-in Paperless, with a certificate or without.</summary>
internal sealed class PageGateway : IAsyncDisposable
{
    /// <summary>Ends at a page of the gateway's own.</summary>
    public const string SignInPath = "/accounts/oidc/authentik/login/?next=%2Fgateway%2Fsession";

    private readonly Child _process;
    private readonly Line? _line;

    private PageGateway(Child process, string origin, Line? line)
    {
        _process = process;
        Origin = origin;
        _line = line;
    }

    public string Origin { get; }

    /// <param name="program">The path of its assembly.</param>
    /// <param name="far">Whether the browser gets there over a line.</param>
    public static async Task<PageGateway> StartAsync(string program, string folder, StandInPaperless paperless, DevelopmentProvider provider, string? certificate, bool far)
    {
        int port = Workbench.FreePort();
        Line? line = far ? Line.To(port) : null;
        string scheme = certificate is null ? "http" : "https";
        string origin = string.Create(CultureInfo.InvariantCulture, $"{scheme}://localhost:{line?.Port ?? port}");
        provider.Options = provider.Options with { RedirectUris = [.. provider.Options.RedirectUris, origin + "/accounts/oidc/authentik/login/callback/"] };
        int management = Workbench.FreePort();
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}"),
            ["PAPERLESS_URL"] = origin,
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = $$$"""{"openid_connect": {"APPS": [{"provider_id": "authentik", "client_id": "{{{provider.Options.ClientId}}}", "secret": "{{{provider.Options.ClientSecret}}}", "settings": {"server_url": "{{{provider.DiscoveryUrl}}}"}}]}}""",
            ["GATEWAY_PAPERLESS_TOKEN"] = paperless.Data.AdminToken,
            ["GATEWAY_UPSTREAM_URL"] = paperless.Address.GetLeftPart(UriPartial.Authority),
            ["GATEWAY_DATA_DIR"] = Path.Combine(folder, port.ToString(CultureInfo.InvariantCulture)),
            ["GATEWAY_MANAGEMENT_URL"] = $"http://127.0.0.1:{management}",
        };
        if (certificate is not null)
        {
            environment["Kestrel__Certificates__Default__Path"] = certificate;
        }

        Child process = new("dotnet", [program], environment);
        await process.WaitForAsync(new Uri($"http://127.0.0.1:{management}/health/live"));
        return new PageGateway(process, origin, line);
    }

    public async ValueTask DisposeAsync()
    {
        if (_line is not null)
        {
            await _line.DisposeAsync();
        }

        _process.Dispose();
    }
}
