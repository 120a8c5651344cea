using System.Text.Json.Serialization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gateway.Operations;

/// <summary>Runs the <see cref="HealthChecks"/> and caches the result.</summary>
internal sealed class Health(HealthCheckService checks, IHostApplicationLifetime lifetime, TimeProvider time) : IDisposable
{
    /// <summary>How long a result is reused for further requests.</summary>
    private static readonly TimeSpan CacheTtl = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _checking = new(1, 1);
    private HealthReport? _last;
    private DateTimeOffset _checkedAt;

    /// <summary>
    /// Whether this gateway takes requests. A fault of the store or of Paperless does not count: all gateways have it at once, and each can still answer
    /// from memory, or say what is wrong.
    /// </summary>
    public (bool Serves, string Status) Serving => StartOrStop() is { } unready ? (false, unready.Status) : (true, "serving");

    public async Task<Readiness> ReadyAsync(CancellationToken cancel)
    {
        if (StartOrStop() is { } unready)
        {
            return unready;
        }

        await _checking.WaitAsync(cancel);
        try
        {
            if (_last is null || time.GetUtcNow() - _checkedAt >= CacheTtl)
            {
                // Without the token: other requests share the result, so the checks must not stop if the first request is cancelled.
                _last = await checks.CheckHealthAsync(CancellationToken.None);
                _checkedAt = time.GetUtcNow();
            }

            return Readiness.From(_last);
        }
        finally
        {
            _checking.Release();
        }
    }

    public void Dispose() => _checking.Dispose();

    /// <returns>Null between start and stop.</returns>
    private Readiness? StartOrStop()
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return Readiness.Stopping;
        }

        // The management address listens before the public address.
        return lifetime.ApplicationStarted.IsCancellationRequested ? null : Readiness.Starting;
    }
}

/// <summary>The answer of `/health/ready`: the overall status and the result of each check.</summary>
internal sealed record Readiness(string Status, IReadOnlyDictionary<string, string> Checks)
{
    public static readonly Readiness Starting = new("starting", new Dictionary<string, string>());
    public static readonly Readiness Stopping = new("stopping", new Dictionary<string, string>());

    [JsonIgnore]
    public bool IsReady { get; private init; }

    /// <summary>The failed checks, for the log; empty if no check ran.</summary>
    [JsonIgnore]
    public string Reasons { get; private init; } = "";

    /// <summary>Takes only the status and description of each check, because the answer is public.</summary>
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
