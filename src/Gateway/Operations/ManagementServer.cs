using Gateway.Checks;
using Gateway.Metrics;
using Gateway.Settings;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry.Metrics;

namespace Gateway.Operations;

/// <summary>Serves the health checks and metrics at `GATEWAY_MANAGEMENT_URL`. A separate server, so that the public address does not expose them.</summary>
/// <param name="meters">Null if metrics are off.</param>
internal sealed partial class ManagementServer(
    GatewaySettings settings,
    Health health,
    GatewayRun run,
    ILogger<ManagementServer> logger,
    MeterProvider? meters = null) : IHostedService, IAsyncDisposable
{
    public const string LivePath = "/health/live";
    public const string ServingPath = "/health/serving";
    public const string ReadyPath = "/health/ready";

    private WebApplication? _app;

    /// <summary>The address at which the server listens; null before it has started.</summary>
    public Uri? Address { get; private set; }

    /// <summary>Starts on the thread pool, so that the public server starts in parallel.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => Task.Run(() => ListenAsync(cancellationToken), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => _app?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(settings.ManagementUrl.GetLeftPart(UriPartial.Authority)).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
        });
        _app = builder.Build();
        if (meters is not null)
        {
            _app.UseOpenTelemetryPrometheusScrapingEndpoint(meters, predicate: null, MetricsFeature.Path, configureBranchedPipeline: null, optionsName: null);
        }

        _app.Run(AnswerAsync);
        await _app.StartAsync(cancellationToken);
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());
    }

    private Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        switch (context.Request.Path.Value)
        {
            case LivePath:
                return context.Response.WriteAsync("ok");
            case ManagementPaths.Run:
                return context.Response.WriteAsync(run.Text);
            case ServingPath:
                return AnswerServingAsync(context.Response);
            case ReadyPath:
                return AnswerReadyAsync(context);
            default:
                NotFound(context.Request.Method, context.Request.Path.Value ?? "/");
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    }

    private Task AnswerServingAsync(HttpResponse response)
    {
        (bool serves, string status) = health.Serving;
        response.StatusCode = serves ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return response.WriteAsync(status);
    }

    private async Task AnswerReadyAsync(HttpContext context)
    {
        Readiness readiness = await health.ReadyAsync(context.RequestAborted);
        if (!readiness.IsReady)
        {
            // Without checks the gateway is starting or stopping, which is no problem.
            NotReady(readiness.Checks.Count == 0 ? LogLevel.Information : LogLevel.Warning, readiness.Status, readiness.Reasons);
        }

        context.Response.StatusCode = readiness.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await context.Response.WriteAsJsonAsync(readiness, ReadinessJson.Default.Readiness);
    }

    [LoggerMessage(
        EventId = 7008,
        EventName = "ManagementPathUnknown",
        Level = LogLevel.Information,
        Message = "Unknown path at the management address, answered 404: {Method} {Path}. Use /health/live, /health/serving or /health/ready")]
    private partial void NotFound(string method, string path);

    [LoggerMessage(EventId = 7009, EventName = "NotReady", Message = "Answered 503 to /health/ready: {Status} ({Reasons})")]
    private partial void NotReady(LogLevel level, string status, string reasons);
}
