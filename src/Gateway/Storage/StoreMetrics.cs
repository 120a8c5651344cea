using System.Diagnostics;
using System.Diagnostics.Metrics;
using Gateway.Metrics;
using Gateway.Settings;

namespace Gateway.Storage;

/// <summary>Measures the operations of SQLite or Redis.</summary>
internal sealed class StoreMetrics
{
    private readonly Histogram<double> _duration;
    private readonly KeyValuePair<string, object?> _system;
    private volatile bool _isAvailable = true;

    public StoreMetrics(IMeterFactory meters, GatewaySettings settings)
    {
        Meter meter = meters.CreateGatewayMeter();
        _system = GatewayMeter.Attribute("db.system.name", settings.Redis is null ? "sqlite" : "redis");
        _duration = meter.CreateHistogram(
            "gateway.store.operation.duration",
            "s",
            "The time of one operation of the store, by db.system.name (sqlite or redis) and gateway.store.outcome: answered or unavailable.",
            tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5] });
        meter.CreateObservableGauge(
            "gateway.store.available",
            () => _isAvailable ? 1 : 0,
            "{store}",
            "1 if the store answered the last operation, 0 if it did not.");
    }

    /// <returns>When the operation began; 0 if nobody measures it.</returns>
    public long Begin() => _duration.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void Answered(long begun)
    {
        _isAvailable = true;
        Record(begun, "answered");
    }

    public void Failed(long begun)
    {
        _isAvailable = false;
        Record(begun, "unavailable");
    }

    private void Record(long begun, string outcome)
    {
        if (begun != 0)
        {
            _duration.Record(Stopwatch.GetElapsedTime(begun).TotalSeconds, _system, GatewayMeter.Attribute("gateway.store.outcome", outcome));
        }
    }
}
