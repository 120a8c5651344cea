using Gateway.Background;
using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>
/// `GATEWAY_DRAIN`: after SIGTERM the gateway goes on accepting requests for a while, and `/health/serving` already answers 503, so that a load balancer
/// chooses another gateway before this one closes its port.
/// </summary>
internal sealed partial class Drain(GatewaySettings settings, TimeProvider time, ILogger<Drain> logger) : IHostedLifecycleService
{
    private int _begun;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The host stops no service before this has ended.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A host may be stopped from two sides.
        if (settings.Drain > TimeSpan.Zero && Interlocked.Exchange(ref _begun, 1) == 0)
        {
            Draining(settings.Drain.TotalSeconds);
            await new BackgroundLoop("The wait before the port closes", time, logger).RunOnceAsync(
                cancel => Task.Delay(settings.Drain, time, cancel),
                cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(
        EventId = 8240,
        EventName = "Draining",
        Level = LogLevel.Information,
        Message = "Shutdown requested (such as by SIGTERM): /health/serving answers 503, and the port closes in {Seconds} s")]
    private partial void Draining(double seconds);
}
