using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Gateway.Paperless;

/// <summary>Times of the gateway's calls of Paperless's API; tests set shorter ones.</summary>
/// <param name="ResponseTimeout">Limit for one response, including its body.</param>
/// <param name="RetryBackoff">The delay before the first retry; the second retry waits twice as long.</param>
/// <param name="BreakDuration">How long the circuit breaker stays open after half of the requests failed.</param>
/// <param name="SamplingDuration">The period over which the circuit breaker counts failures.</param>
internal sealed record PaperlessApiTimes(TimeSpan ResponseTimeout, TimeSpan RetryBackoff, TimeSpan BreakDuration, TimeSpan SamplingDuration)
{
    public static readonly PaperlessApiTimes Default = new(
        TimeSpan.FromSeconds(8),
        TimeSpan.FromMilliseconds(300),
        TimeSpan.FromSeconds(10),
        TimeSpan.FromSeconds(30));
}

/// <summary>A complete response of Paperless's API.</summary>
/// <param name="Address">The address that was asked, without its query.</param>
internal sealed record PaperlessApiResponse(HttpStatusCode Status, byte[] Body, string Address)
{
    /// <exception cref="PaperlessUnavailableException">The response does not match Paperless's API.</exception>
    public T Read<T>(JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Body, type) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw PaperlessFailureText.Unreadable(Address, error);
        }
    }
}

/// <summary>
/// Sends the calls of Paperless's API, limited in time, size and number. GET requests are retried, and a circuit breaker pauses the calls
/// while Paperless fails.
/// </summary>
internal sealed class PaperlessTransport : IDisposable
{
    /// <summary>More than Paperless processes at once; further calls wait here.</summary>
    private const int MaxConcurrent = 8;

    /// <summary>A page of users contains all their permissions, including inherited ones.</summary>
    private const int MaxResponseBytes = 8 * 1024 * 1024;

    private const int MaxAttempts = 3;

    /// <summary>Paperless answers 406 to an unsupported version.</summary>
    private const string Accept = "application/json; version=9";

    private readonly SemaphoreSlim _slots = new(MaxConcurrent, MaxConcurrent);
    private readonly UpstreamClient _paperless;
    private readonly ResiliencePipeline<PaperlessApiResponse> _sendOnce;
    private readonly ResiliencePipeline<PaperlessApiResponse> _sendWithRetry;

    public PaperlessTransport(UpstreamClient paperless, PaperlessApiTimes times, TimeProvider time)
    {
        _paperless = paperless;
        PredicateBuilder<PaperlessApiResponse> retryable = new PredicateBuilder<PaperlessApiResponse>()
            .Handle<UpstreamUnavailableException>()
            .Handle<TimeoutRejectedException>()
            .HandleResult(response => (int)response.Status >= 500);

        // A 500 may concern a single user whose sign-in is repeated, so it does not open the breaker for everyone.
        PredicateBuilder<PaperlessApiResponse> unavailable = new PredicateBuilder<PaperlessApiResponse>()
            .Handle<UpstreamUnavailableException>()
            .Handle<TimeoutRejectedException>()
            .HandleResult(response => response.Status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout);
        _sendOnce = new ResiliencePipelineBuilder<PaperlessApiResponse> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<PaperlessApiResponse>
            {
                ShouldHandle = unavailable,
                FailureRatio = 0.5,
                MinimumThroughput = 10,
                SamplingDuration = times.SamplingDuration,
                BreakDuration = times.BreakDuration,
            })
            .AddTimeout(times.ResponseTimeout)
            .Build();
        _sendWithRetry = new ResiliencePipelineBuilder<PaperlessApiResponse> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<PaperlessApiResponse>
            {
                ShouldHandle = retryable,
                MaxRetryAttempts = MaxAttempts - 1,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = times.RetryBackoff,
            })
            .AddPipeline(_sendOnce)
            .Build();
    }

    /// <param name="path">Below the script name, with a trailing slash: without the slash Paperless redirects to its login page.</param>
    /// <param name="json">The body; null for none.</param>
    /// <param name="authorization">The `Authorization` header; null for none.</param>
    /// <exception cref="PaperlessUnavailableException">Paperless does not answer, or answers with a 5xx status.</exception>
    public async Task<PaperlessApiResponse> SendAsync(HttpMethod method, string path, byte[]? json, string? authorization, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            ResiliencePipeline<PaperlessApiResponse> pipeline = method == HttpMethod.Get ? _sendWithRetry : _sendOnce;
            PaperlessApiResponse response = await pipeline.ExecuteAsync(
                static (state, cancel) => state.Transport.SendOnceAsync(state.Method, state.Path, state.Json, state.Authorization, cancel),
                (Transport: this, Method: method, Path: path, Json: json, Authorization: authorization),
                cancellationToken);
            return (int)response.Status >= 500 ? throw PaperlessFailureText.Answered(method, response.Address, response.Status) : response;
        }
        catch (UpstreamUnavailableException error)
        {
            throw new PaperlessUnavailableException(error.Message, error.Fault, error);
        }
        catch (TimeoutRejectedException error)
        {
            throw new PaperlessUnavailableException($"{_paperless.AddressOf(path)} did not answer in time", PaperlessFault.NoAnswer, error);
        }
        catch (BrokenCircuitException error)
        {
            PaperlessFault fault = (error.InnerException as UpstreamUnavailableException)?.Fault ?? PaperlessFault.ErrorStatus;
            throw new PaperlessUnavailableException(
                $"requests to {_paperless.AddressOf(path)} failed repeatedly, and Paperless gets none for some seconds",
                fault,
                error);
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async ValueTask<PaperlessApiResponse> SendOnceAsync(
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

        // The pipeline sets one timeout for all replicas and retries itself.
        UpstreamRequest request = new(method, path, Timeout.InfiniteTimeSpan) { Headers = headers, Json = json, MaxResponseBytes = MaxResponseBytes };
        UpstreamResponse response = await _paperless.AskAsync(request, cancellationToken);
        return new PaperlessApiResponse(response.Status, response.Body, response.Address);
    }
}
