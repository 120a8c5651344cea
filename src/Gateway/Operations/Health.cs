using System.Text.Json.Serialization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gateway.Operations;

/// <summary>Whether the gateway can do its work, by its <see cref="HealthChecks"/>.</summary>
internal sealed class Health(HealthCheckService checks, IHostApplicationLifetime lifetime, TimeProvider time) : IDisposable
{
    /// <summary>Whoever asks more often gets the same answer.</summary>
    private static readonly TimeSpan CacheTtl = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private HealthReport? _last;
    private DateTimeOffset _askedAt;

    public async Task<Readiness> ReadyAsync(CancellationToken cancel)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return Readiness.Stopping;
        }

        // The management address listens before the public one does.
        if (!lifetime.ApplicationStarted.IsCancellationRequested)
        {
            return Readiness.Starting;
        }

        await _asking.WaitAsync(cancel);
        try
        {
            if (_last is null || time.GetUtcNow() - _askedAt >= CacheTtl)
            {
                // The answer is for others as well: who asked first may leave.
                _last = await checks.CheckHealthAsync(CancellationToken.None);
                _askedAt = time.GetUtcNow();
            }

            return Readiness.From(_last);
        }
        finally
        {
            _asking.Release();
        }
    }

    public void Dispose() => _asking.Dispose();
}

/// <summary>One answer of `/health/ready`: the whole, and each part by name.</summary>
internal sealed record Readiness(string Status, IReadOnlyDictionary<string, string> Checks)
{
    public static readonly Readiness Starting = new("starting", new Dictionary<string, string>());
    public static readonly Readiness Stopping = new("stopping", new Dictionary<string, string>());

    [JsonIgnore]
    public bool IsReady { get; private init; }

    /// <summary>What does not work, for the log; empty where nothing was asked.</summary>
    [JsonIgnore]
    public string Reasons { get; private init; } = "";

    /// <summary>Of each check the status and its description alone: exceptions and data stay inside.</summary>
    public static Readiness From(HealthReport report) => new(
        report.Status switch
        {
            HealthStatus.Healthy => "ready",
            HealthStatus.Degraded => "degraded",
            _ => "unready",
        },
        report.Entries.ToDictionary(check => check.Key, check => check.Value.Description!))
    {
        IsReady = report.Status != HealthStatus.Unhealthy,
        Reasons = string.Join(
            "; ",
            report.Entries.Where(check => check.Value.Status != HealthStatus.Healthy).Select(check => $"{check.Key}: {check.Value.Description}")),
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Readiness))]
internal sealed partial class ReadinessJson : JsonSerializerContext;
