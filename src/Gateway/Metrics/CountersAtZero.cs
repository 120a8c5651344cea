namespace Gateway.Metrics;

/// <summary>Counters whose attributes have a few known values.</summary>
internal interface IStartAtZero
{
    /// <summary>Counts nothing once for each value, so that each series exists.</summary>
    public void StartAtZero();
}

/// <summary>
/// Makes the series of all counters at the start: Prometheus compares two readings, so it would miss the first events of a series that appears with them.
/// </summary>
/// <remarks>OpenTelemetry starts before this service. It does not see what is counted earlier.</remarks>
internal sealed class CountersAtZero(IEnumerable<IStartAtZero> counters) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (IStartAtZero one in counters)
        {
            one.StartAtZero();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
