using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>All that is compared, started and signed in, in front of the same nginx.</summary>
internal sealed class Lineup
{
    private const string Path = "api/documents/";

    private Lineup(Variant plain, Variant? proxy, IReadOnlyList<Variant> all) => (Plain, Proxy, All) = (plain, proxy, all);

    public Variant Plain { get; }

    /// <summary>nginx as a proxy without authentication; null in a short line-up.</summary>
    public Variant? Proxy { get; }

    public IReadOnlyList<Variant> All { get; }

    /// <param name="whole">False: the gateway and plain YARP alone.</param>
    public static async Task<Lineup> StartAsync(Workbench bench, bool whole)
    {
        (Child nginx, Uri upstream) = await Nginx.StartUpstreamAsync(bench);
        DevelopmentProvider provider = await Provider.StartAsync(bench);
        (Child yarp, Uri yarpAddress) = PlainYarp.Start(bench, upstream);
        await yarp.WaitForAsync(yarpAddress, bench.Cancel);
        List<Variant> variants =
        [
            await GatewayAsync("gateway, with a session", new(bench, "quiet", upstream, provider)),
            await GatewayAsync("gateway, with the request log", new(bench, "logging", upstream, provider, RequestLog: true)),
            await GatewayAsync("gateway, with metrics", new(bench, "metrics", upstream, provider, Metrics: true)),
            await GatewayAsync("gateway, with traces of 1 % of the requests", new(bench, "traces", upstream, provider, Traces: 0.01)),
        ];

        // The others get the same headers, a cookie of that length included.
        string cookie = variants[0].Cookie;
        Variant plain = new("plain YARP", new Uri(yarpAddress, Path), cookie, yarp);
        variants.InsertRange(0, [plain]);
        variants.Insert(2, await DeviceAsync(new(bench, "device", upstream, provider)));
        variants.Add(new Variant("plain YARP, second run", plain.Address, cookie, yarp));
        Variant? proxy = null;
        if (whole)
        {
            variants.Insert(6, await GatewayAsync("gateway, with Redis", new(bench, "redis", upstream, provider, RedisUrl: Redis.Start(bench))));
            variants.Add(await ApacheAsync(bench, upstream, provider));
            variants.Add(proxy = Proxied("nginx", await Nginx.StartProxyAsync(bench, upstream), cookie));
            variants.Add(Proxied("HAProxy", await HAProxy.StartProxyAsync(bench, upstream), cookie));
            variants.Add(Proxied("Caddy", await Caddy.StartProxyAsync(bench, upstream), cookie));
        }

        variants.Add(new Variant("no proxy: nginx answers directly", new Uri(upstream, Path), cookie, nginx));
        foreach (Variant variant in variants)
        {
            await CheckAsync(variant, bench.Cancel);
        }

        return new Lineup(plain, proxy, variants);
    }

    private static Variant Proxied(string name, (Child Server, Uri Address) proxy, string cookie) =>
        new($"{name} as a proxy, no authentication", new Uri(proxy.Address, Path), cookie, proxy.Server);

    private static async Task<Variant> GatewayAsync(string name, GatewayProgram gateway)
    {
        Child server = gateway.Start();
        await server.WaitForAsync(gateway.Address, gateway.Bench.Cancel);
        string cookie = await gateway.SignInAsync();
        await RefusesAsync(new Uri(gateway.Address, Path), gateway.Bench.Cancel);
        return new Variant(name, new Uri(gateway.Address, Path), cookie, server);
    }

    /// <summary>The same gateway, asked by an app of the person who is signed in.</summary>
    private static async Task<Variant> DeviceAsync(GatewayProgram gateway)
    {
        Variant browser = await GatewayAsync("gateway, with a device password", gateway);
        return browser with { Authorization = "Token " + await StoredSessions.AddDevicePasswordAsync(gateway) };
    }

    private static async Task<Variant> ApacheAsync(Workbench bench, Uri upstream, DevelopmentProvider provider)
    {
        int port = Workbench.FreePort();
        Child server = Apache.Start(bench, port, upstream, provider);
        Uri address = new($"http://localhost:{port}/{Path}");
        await server.WaitForAsync(address, bench.Cancel);
        string cookie = await Provider.SignInAsync(address, bench.Cancel);
        await RefusesAsync(address, bench.Cancel);
        return new Variant("Apache + mod_auth_openidc", address, cookie, server);
    }

    /// <exception cref="InvalidOperationException">It does not forward what it is to be measured with.</exception>
    private static async Task CheckAsync(Variant variant, CancellationToken cancel)
    {
        using HttpClient client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        client.DefaultRequestHeaders.Add(variant.Authorization is null ? "Cookie" : "Authorization", variant.Authorization ?? variant.Cookie);
        string answer = await client.GetStringAsync(variant.Address, cancel);
        if (answer != new string('x', 1024))
        {
            throw new InvalidOperationException($"{variant.Name} answers {answer.Length} bytes that are not the upstream's.");
        }
    }

    /// <exception cref="InvalidOperationException">It lets somebody in who has no session: its figures would mean nothing.</exception>
    private static async Task RefusesAsync(Uri address, CancellationToken cancel)
    {
        using HttpClient client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        using HttpResponseMessage answer = await client.GetAsync(address, cancel);
        if (answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{address} answers without a session.");
        }
    }
}
