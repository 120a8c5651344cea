using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>Gateways as processes in front of one stand-in Paperless, with one development provider: on one redis-server, or one alone on SQLite.</summary>
internal sealed class ReplicaSite : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-benchmark").FullName;
    private readonly int[] _ports;
    private readonly int[] _managementPorts;
    private readonly int _publicPort;
    private readonly string _drain;
    private readonly Child?[] _gateways;
    private readonly int? _redisPort;
    private readonly StandInPaperless _paperless;
    private Child? _redis;

    private ReplicaSite(int gateways, bool redis, DevelopmentProvider provider, StandInPaperless paperless, int publicPort, string? drain)
    {
        // Behind a load balancer none of them is at the public port.
        _ports = [.. Enumerable.Range(0, gateways).Select(number => number == 0 && drain is null ? publicPort : Workbench.FreePort())];
        _managementPorts = [.. Enumerable.Range(0, gateways).Select(_ => Workbench.FreePort())];
        _publicPort = publicPort;
        _drain = drain ?? "off";
        _gateways = new Child?[gateways];
        _redisPort = redis ? Workbench.FreePort() : null;
        Provider = provider;
        _paperless = paperless;
    }

    public DevelopmentProvider Provider { get; }

    /// <summary>The address that people know; a load balancer would lead it to any of the gateways.</summary>
    public string Origin => OriginOf(_publicPort);

    public int PublicPort => _publicPort;

    public int Gateways => _ports.Length;

    /// <param name="drain">`GATEWAY_DRAIN` of gateways behind a load balancer, which listens at <see cref="PublicPort"/>; null: there is none.</param>
    public static async Task<ReplicaSite> StartAsync(int gateways, bool redis, string? drain = null)
    {
        int port = Workbench.FreePort();
        DevelopmentProvider provider = await DevelopmentProvider.StartAsync(
            new DevelopmentProviderOptions { RedirectUris = [OriginOf(port) + "/accounts/oidc/authentik/login/callback/"] });
        provider.SignsInAs = "alice";
        StandInPaperless paperless = await StandInPaperless.StartAsync(new StandInPaperlessOptions { PublicUrl = OriginOf(port), WithPeople = true });
        ReplicaSite site = new(gateways, redis, provider, paperless, port, drain);
        await site.StartRedisAsync();
        for (int number = 0; number < gateways; number++)
        {
            await site.StartGatewayAsync(number);
        }

        return site;
    }

    /// <summary>Writes everything down before it answers.</summary>
    public async Task StartRedisAsync()
    {
        if (_redisPort is { } port)
        {
            _redis = new Child(
                "redis-server",
                ["--port", Text(port), "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
            await _redis.WaitForAsync(port);
        }
    }

    public async Task StartGatewayAsync(int number)
    {
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_URLS"] = OriginOf(_ports[number]),
            ["PAPERLESS_URL"] = Origin,
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = $$$"""
                {"openid_connect": {"APPS": [{
                    "provider_id": "authentik",
                    "client_id": "{{{Provider.Options.ClientId}}}",
                    "secret": "{{{Provider.Options.ClientSecret}}}",
                    "settings": {"server_url": "{{{Provider.DiscoveryUrl}}}"}
                }]}}
                """,
            ["GATEWAY_PAPERLESS_TOKEN"] = _paperless.Data.AdminToken,
            ["GATEWAY_UPSTREAM_URL"] = _paperless.Address.GetLeftPart(UriPartial.Authority),
            ["GATEWAY_DATA_DIR"] = Path.Combine(_folder, "gateway" + Text(number)),
            ["GATEWAY_MANAGEMENT_URL"] = $"http://127.0.0.1:{Text(_managementPorts[number])}",
            ["GATEWAY_DRAIN"] = _drain,
            ["GATEWAY_REDIS_URL"] = _redisPort is { } port ? $"redis://127.0.0.1:{Text(port)}" : "",
        };
        Child gateway = new("dotnet", [typeof(Settings.GatewaySettings).Assembly.Location], environment);
        _gateways[number] = gateway;
        await gateway.WaitForAsync(new Uri(OriginOf(_ports[number]) + "/gateway/session"));
    }

    /// <summary>SIGTERM; when the process has ended, another one takes its place.</summary>
    public async Task RestartGatewayAsync(int number)
    {
        await _gateways[number]!.EndAsync();
        _gateways[number]!.Dispose();
        await StartGatewayAsync(number);
    }

    /// <summary>For a load balancer: where each gateway listens, and where its health checks are.</summary>
    public IEnumerable<(int Port, int ManagementPort)> Servers() => _ports.Zip(_managementPorts);

    /// <summary>`kill -9`.</summary>
    public void KillGateway(int number) => _gateways[number]!.Dispose();

    /// <summary>`kill -9`.</summary>
    public void KillRedis() => _redis!.Dispose();

    /// <summary>A browser whose requests to the site come to this gateway.</summary>
    public HttpClient Browser(int gateway, CookieContainer? cookies)
    {
        SocketsHttpHandler handler = new()
        {
            UseCookies = cookies is not null,
            AllowAutoRedirect = cookies is not null,
            ConnectCallback = async (context, cancel) =>
            {
                int port = context.DnsEndPoint.Port == _publicPort ? _ports[gateway] : context.DnsEndPoint.Port;
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint.Host, port, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        if (cookies is not null)
        {
            handler.CookieContainer = cookies;
        }

        return new HttpClient(handler) { BaseAddress = new Uri(Origin), Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>A whole sign-in in a new browser.</summary>
    /// <returns>The gateway's cookie; null where the sign-in came to nothing.</returns>
    public async Task<string?> SignInAsync(int gateway)
    {
        CookieContainer cookies = new();
        using HttpClient browser = Browser(gateway, cookies);
        browser.DefaultRequestHeaders.Add("Accept", "text/html");
        try
        {
            using HttpResponseMessage page = await browser.GetAsync("/accounts/oidc/authentik/login/?next=%2Fgateway%2Fsession");
            return page.IsSuccessStatusCode && cookies.GetCookies(new Uri(Origin))["paperless-gateway"]?.Value is { Length: > 0 } value
                ? "paperless-gateway=" + value
                : null;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Child? gateway in _gateways)
        {
            gateway?.Dispose();
        }

        _redis?.Dispose();
        await Provider.DisposeAsync();
        await _paperless.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public static async Task<bool> ListensAsync(int port)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync("127.0.0.1", port);
            byte[] answer = new byte[16];
            await client.GetStream().WriteAsync("PING\r\n"u8.ToArray());
            return await client.GetStream().ReadAsync(answer) > 1 && answer[0] == '+';
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return false;
        }
    }

    private static string OriginOf(int port) => $"http://localhost:{Text(port)}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
