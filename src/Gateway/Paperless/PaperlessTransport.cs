using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Gateway.Paperless;

/// <summary>Times of the gateway's own requests to Paperless's API; a record of its own so that tests need not wait.</summary>
/// <param name="Answer">How long one answer may take, its body included.</param>
/// <param name="Retry">The pause before the second try; the third waits twice as long.</param>
/// <param name="Break">How long nobody asks after half of the requests failed.</param>
/// <param name="Sampling">The time over which failures are counted.</param>
internal sealed record PaperlessApiTimes(TimeSpan Answer, TimeSpan Retry, TimeSpan Break, TimeSpan Sampling)
{
    public static readonly PaperlessApiTimes Default = new(
        TimeSpan.FromSeconds(8),
        TimeSpan.FromMilliseconds(300),
        TimeSpan.FromSeconds(10),
        TimeSpan.FromSeconds(30));
}

/// <summary>One answer of Paperless, whole.</summary>
internal sealed record PaperlessAnswer(HttpStatusCode Status, byte[] Body)
{
    /// <exception cref="PaperlessUnavailableException">It is not what Paperless's API documents.</exception>
    public T Read<T>(JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Body, type) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new PaperlessUnavailableException("its answer is not what its API documents; is GATEWAY_UPSTREAM_URL Paperless?", error);
        }
    }
}

/// <summary>
/// Carries single requests to Paperless: bounded in time, size and number; what only reads is tried again; a breaker gives a sick Paperless
/// rest.
/// </summary>
internal sealed class PaperlessTransport : IDisposable
{
    /// <summary>More than Paperless works on at once; the rest waits here.</summary>
    private const int MostAtOnce = 8;

    /// <summary>Bytes; a page of users carries their permissions, inherited ones included.</summary>
    private const int LargestAnswer = 8 * 1024 * 1024;

    private const int Tries = 3;

    /// <summary>Both ask for JSON: an answer in other versions is a 406.</summary>
    private const string Accept = "application/json; version=9";

    private readonly SemaphoreSlim _slots = new(MostAtOnce, MostAtOnce);
    private readonly UpstreamClient _paperless;
    private readonly ResiliencePipeline<PaperlessAnswer> _once;
    private readonly ResiliencePipeline<PaperlessAnswer> _again;

    public PaperlessTransport(UpstreamClient paperless, PaperlessApiTimes times, TimeProvider time)
    {
        _paperless = paperless;
        PredicateBuilder<PaperlessAnswer> failed = new PredicateBuilder<PaperlessAnswer>()
            .Handle<UpstreamUnavailableException>()
            .Handle<TimeoutRejectedException>()
            .HandleResult(answer => (int)answer.Status >= 500);

        // A 500 may be about one user alone, whose sign-in is repeated: that must not keep everybody else out.
        PredicateBuilder<PaperlessAnswer> sick = new PredicateBuilder<PaperlessAnswer>()
            .Handle<UpstreamUnavailableException>()
            .Handle<TimeoutRejectedException>()
            .HandleResult(answer => answer.Status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout);
        _once = new ResiliencePipelineBuilder<PaperlessAnswer> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<PaperlessAnswer>
            {
                ShouldHandle = sick,
                FailureRatio = 0.5,
                MinimumThroughput = 10,
                SamplingDuration = times.Sampling,
                BreakDuration = times.Break,
            })
            .AddTimeout(times.Answer)
            .Build();
        _again = new ResiliencePipelineBuilder<PaperlessAnswer> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<PaperlessAnswer>
            {
                ShouldHandle = failed,
                MaxRetryAttempts = Tries - 1,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = times.Retry,
            })
            .AddPipeline(_once)
            .Build();
    }

    /// <param name="path">Below the script name, with a slash at its end: without one Paperless leads to its login page.</param>
    /// <param name="json">The body; null for none.</param>
    /// <param name="authorization">The `Authorization` header; null for none.</param>
    /// <exception cref="PaperlessUnavailableException">No answer, or one of the 5xx.</exception>
    public async Task<PaperlessAnswer> SendAsync(HttpMethod method, string path, byte[]? json, string? authorization, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            ResiliencePipeline<PaperlessAnswer> pipeline = method == HttpMethod.Get ? _again : _once;
            PaperlessAnswer answer = await pipeline.ExecuteAsync(
                static (state, cancel) => state.Transport.SendOnceAsync(state.Method, state.Path, state.Json, state.Authorization, cancel),
                (Transport: this, Method: method, Path: path, Json: json, Authorization: authorization),
                cancellationToken);
            return (int)answer.Status >= 500 ? throw new PaperlessUnavailableException($"it answers {(int)answer.Status} at {method} {PathOf(path)}")
            {
                IsItsOwnFault = answer.Status == HttpStatusCode.InternalServerError
            } : answer;
        }
        catch (Exception error) when (error is UpstreamUnavailableException or TimeoutRejectedException or BrokenCircuitException)
        {
            string how = error switch
            {
                TimeoutRejectedException => "takes too long",
                BrokenCircuitException => "failed again and again, and is left alone for a moment",
                _ => "does not answer",
            };
            throw new PaperlessUnavailableException($"it {how} ({method} {PathOf(path)})", error);
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async ValueTask<PaperlessAnswer> SendOnceAsync(
        HttpMethod method,
        string path,
        byte[]? json,
        string? authorization,
        CancellationToken cancellationToken)
    {
        List<(string Name, string Value)> headers = [("Accept", Accept)];
        if (authorization is not null)
        {
            headers.Add(("Authorization", authorization));
        }

        // The pipeline has the timeout, which is one for both replicas: it asks again itself.
        UpstreamQuestion question = new(method, path, Timeout.InfiniteTimeSpan) { Headers = headers, Json = json, LargestAnswer = LargestAnswer };
        UpstreamAnswer answer = await _paperless.AskAsync(question, cancellationToken);
        return new PaperlessAnswer(answer.Status, answer.Body);
    }

    private static string PathOf(string path) => path.Split('?')[0];
}
