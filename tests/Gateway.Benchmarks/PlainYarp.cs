using Yarp.ReverseProxy.Configuration;

namespace Gateway.Benchmarks;

/// <summary>YARP as its documentation sets it up, with one catch-all route: what the gateway is measured against.</summary>
internal static class PlainYarp
{
    public static async Task ServeAsync(string port, string upstream)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}").ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "all", Match = new RouteMatch { Path = "{**path}" } }],
            [new ClusterConfig { ClusterId = "all", Destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = upstream } } }]);
        await using WebApplication app = builder.Build();
        app.MapReverseProxy();
        await app.RunAsync();
    }
}
