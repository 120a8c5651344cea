using System.Net;
using System.Security.Cryptography.X509Certificates;
using Gateway.Tests.Kit;

namespace Gateway.Tests.ReverseProxies;

/// <summary>A world whose gateway stands behind a real reverse proxy, which has the certificate.</summary>
internal sealed class ProxiedWorld : IAsyncDisposable
{
    private readonly X509Certificate2 _certificate = ReverseProxy.Certificate();

    private ProxiedWorld(World world, ReverseProxy proxy)
    {
        World = world;
        Proxy = proxy;
    }

    public World World { get; }

    public ReverseProxy Proxy { get; }

    /// <param name="change">Makes a mistake in the documented configuration.</param>
    public static async Task<ProxiedWorld> StartAsync(RealPart part, Func<string, string>? change = null, Action<WorldOptions>? configure = null)
    {
        int port = World.FreePort();
        World world = await World.StartAsync(options =>
        {
            options.PublicUrl = $"https://localhost:{port}";
            options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1";
            configure?.Invoke(options);
        });
        try
        {
            return new ProxiedWorld(world, await ReverseProxy.StartAsync(part, port, world.Port, change));
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>A new browser, which comes through the proxy.</summary>
    public Visitor NewVisitor(Version? version = null) => new(World, _certificate, version ?? HttpVersion.Version11);

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await World.DisposeAsync();
        _certificate.Dispose();
    }
}
