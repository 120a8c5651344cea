using System.Globalization;
using Yarp.ReverseProxy.Configuration;

namespace Gateway.Benchmarks.Servers;

/// <summary>YARP as its documentation sets it up, with one catch-all route: what the gateway is measured against.</summary>
internal static class PlainYarp
{
    /// <summary>The word that makes this program one.</summary>
    public const string Word = "plain-yarp";

    /// <summary>In the same build, and with the gateway's own runtime settings, whatever they are.</summary>
    public static (Child Server, Uri Address) Start(Workbench bench, Uri upstream)
    {
        int port = Workbench.FreePort();
        string settings = Path.ChangeExtension(typeof(Settings.GatewaySettings).Assembly.Location, "runtimeconfig.json");
        string portText = port.ToString(CultureInfo.InvariantCulture);
        string[] arguments = ["exec", "--runtimeconfig", settings, typeof(PlainYarp).Assembly.Location, Word, portText, upstream.AbsoluteUri];
        return (bench.Start("dotnet", arguments), new Uri($"http://127.0.0.1:{port}/"));
    }

    public static async Task ServeAsync(string port, string upstream)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}").ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
        });
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "all", Match = new RouteMatch { Path = "{**path}" } }],
            [new ClusterConfig { ClusterId = "all", Destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = upstream } } }]);
        await using WebApplication app = builder.Build();
        app.MapReverseProxy();
        await app.RunAsync();
    }
}
