using System.Net;

namespace Gateway.Tests.Kit;

/// <summary>An HTTP server that answers as a test says, in place of an endpoint of the provider.</summary>
internal sealed class StubSite : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StubSite(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    public static async Task<StubSite> StartAsync(RequestDelegate answer)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.Run(answer);
        await app.StartAsync(World.Ct);
        return new StubSite(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
