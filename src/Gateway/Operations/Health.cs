using System.Text.Json.Serialization;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>Whether the gateway can do its work: its store and Paperless must answer; a provider that is away stops sign-ins only.</summary>
internal sealed class Health(
    ISessionStore store,
    ProviderRegistry providers,
    UpstreamClient paperless,
    Upstreams upstreams,
    IHostApplicationLifetime lifetime,
    TimeProvider time) : IDisposable
{
    /// <summary>What a check says where nothing is wrong.</summary>
    public const string Ok = "ok";

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Whoever asks more often gets the same answer.</summary>
    private static readonly TimeSpan CacheTtl = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private HealthReport? _last;
    private DateTimeOffset _askedAt;

    public async Task<HealthReport> ReadyAsync(CancellationToken cancel)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return new HealthReport("stopping", new Dictionary<string, string>());
        }

        // This address listens before the public one does.
        if (!lifetime.ApplicationStarted.IsCancellationRequested)
        {
            return new HealthReport("starting", new Dictionary<string, string>());
        }

        await _asking.WaitAsync(cancel);
        try
        {
            if (_last is null || time.GetUtcNow() - _askedAt >= CacheTtl)
            {
                _last = await AskAsync();
                _askedAt = time.GetUtcNow();
            }

            return _last;
        }
        finally
        {
            _asking.Release();
        }
    }

    public void Dispose() => _asking.Dispose();

    private async Task<HealthReport> AskAsync()
    {
        using Deadline deadline = new(AnswerTimeout, time);
        Dictionary<string, Task<string>> asked = new()
        {
            ["store"] = CheckAsync(() => Task.Run(() => store.CheckAsync(deadline.Token), deadline.Token)),
            ["paperless"] = CheckAsync(() => AskPaperlessAsync(deadline.Token)),
        };
        foreach (Provider provider in providers.All)
        {
            asked["provider " + provider.Settings.Id] = CheckAsync(() => AskProviderAsync(provider, deadline.Token));
        }

        await Task.WhenAll(asked.Values);
        Dictionary<string, string> checks = asked.ToDictionary(check => check.Key, check => check.Value.Result);
        bool isReady = checks["store"] == Ok && checks["paperless"] == Ok;
        if (!isReady)
        {
            return new HealthReport(HealthReport.Unready, checks);
        }

        return new HealthReport(checks.Values.All(check => check == Ok) ? "ready" : "degraded", checks);
    }

    /// <summary>What is known of it must be good, and it must answer now.</summary>
    private static async Task AskProviderAsync(Provider provider, CancellationToken cancel)
    {
        await provider.Discovery.GetConfigurationAsync(cancel);
        await provider.EnsureReachableAsync(cancel);
    }

    private async Task AskPaperlessAsync(CancellationToken cancel)
    {
        // A replica that is silent leaves time to ask another.
        TimeSpan each = AnswerTimeout / Math.Min(upstreams.Count.All, 2);
        UpstreamAnswer answer = await paperless.AskAsync(new UpstreamQuestion(HttpMethod.Get, "/favicon.ico", each), cancel);
        if ((int)answer.Status is 400 or >= 500)
        {
            throw new HttpRequestException($"it answers {(int)answer.Status}");
        }
    }

    private static async Task<string> CheckAsync(Func<Task> check)
    {
        try
        {
            await check();
            return Ok;
        }
        catch (OperationCanceledException)
        {
            return "does not answer in time";
        }
        catch (Exception error)
        {
            return error.Message;
        }
    }
}

/// <summary>One answer of `/health/ready`: the whole, and each part by name.</summary>
internal sealed record HealthReport(string Status, IReadOnlyDictionary<string, string> Checks)
{
    public const string Unready = "unready";

    [JsonIgnore]
    public bool IsReady => Status is "ready" or "degraded";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthReport))]
internal sealed partial class HealthReportJson : JsonSerializerContext;
