using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Gateway.Paperless;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>
/// Fetches static files from Paperless, once for all waiting clients. The request contains nothing from a client, so that no client can
/// influence the response for others, and no client cancels the fetch by disconnecting.
/// </summary>
internal sealed partial class StaticFileFetch(
    UpstreamClient paperless,
    StaticFileStore store,
    StaticFileCompression compression,
    StaticFileLimits limits,
    TimeProvider clock,
    ILogger<StaticFileFetch> logger)
{
    private const int MaxConcurrent = 64;

    /// <summary>
    /// The capacity of the negative cache. While the cache is full, unknown paths are forwarded without a fetch, so that an invented path
    /// costs Paperless one request, not two.
    /// </summary>
    private const int MaxUncacheable = 1024;

    /// <summary>How long an uncacheable path is forwarded without another fetch.</summary>
    private static readonly TimeSpan UncacheableTtl = TimeSpan.FromMinutes(1);

    /// <summary>The delay before the next fetch after a failure, also for a stale file.</summary>
    private static readonly TimeSpan FailureBackoff = TimeSpan.FromSeconds(5);

    /// <summary>Hop-by-hop headers (RFC 9110, section 7.6.1), and headers that the gateway sets itself.</summary>
    private static readonly FrozenSet<string> UncachedHeaders = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Alt-Svc", "Content-Length",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task<CachedStaticFile?>> _fetches = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _uncacheable = new(StringComparer.Ordinal);

    /// <summary>The cached or fetched file; null where the caller must forward the request.</summary>
    public Task<CachedStaticFile?> GetAsync(string path)
    {
        lock (_lock)
        {
            // Another fetch may have stored the file since the caller's look-up.
            CachedStaticFile? known = store.Find(path);
            bool isUnanswered = known is { RetryAt: > 0, CanBeServedOnError: true };
            if (known is not null && (known.IsFresh || (isUnanswered && clock.GetTimestamp() < known.RetryAt)))
            {
                return Task.FromResult<CachedStaticFile?>(known);
            }

            if (!_fetches.TryGetValue(path, out Task<CachedStaticFile?>? pendingFetch))
            {
                if (IsUncacheable(path) || (known is null && (_fetches.Count >= MaxConcurrent || IsFull())))
                {
                    return Task.FromResult<CachedStaticFile?>(null);
                }

                // The fetch belongs to no single request, so the context and the trace of this request stay out of the task.
                using AsyncFlowControl suppressed = ExecutionContext.SuppressFlow();
                pendingFetch = Task.Run(() => FetchAsync(path, known));
                _fetches.Add(path, pendingFetch);
            }

            // Paperless did not answer the previous fetch: serve the stale file without waiting for this fetch.
            return isUnanswered ? Task.FromResult(known) : pendingFetch;
        }
    }

    private bool IsUncacheable(string path)
    {
        long now = clock.GetTimestamp();
        if (_uncacheable.TryGetValue(path, out long expiresAt))
        {
            if (now < expiresAt)
            {
                return true;
            }

            _uncacheable.Remove(path);
        }

        return false;
    }

    /// <summary>Whether the negative cache is full, after the removal of expired entries.</summary>
    private bool IsFull()
    {
        long now = clock.GetTimestamp();
        if (_uncacheable.Count >= MaxUncacheable)
        {
            foreach ((string other, long expiresAt) in _uncacheable)
            {
                if (now >= expiresAt)
                {
                    _uncacheable.Remove(other);
                }
            }
        }

        return _uncacheable.Count >= MaxUncacheable;
    }

    private async Task<CachedStaticFile?> FetchAsync(string path, CachedStaticFile? stale)
    {
        TimeSpan? uncacheableFor = null;
        try
        {
            using CancellationTokenSource timeout = new(limits.FetchTimeout, clock);
            long sentAt = clock.GetTimestamp();
            using HttpResponseMessage response = await SendAsync(path, stale, timeout.Token);
            CachedStaticFile? file;
            switch (response.StatusCode)
            {
                case HttpStatusCode.NotModified when stale is not null:
                    HeaderDictionary newHeaders = CacheableHeaders(response);
                    CachedStaticFile? revalidated = store.Update(path, cached => cached.Revalidated(newHeaders, sentAt), evicted: stale);
                    file = revalidated is { IsFresh: true } ? revalidated : null;
                    break;

                case HttpStatusCode.OK:
                    file = await ReadAsync(path, response, sentAt, timeout.Token);
                    break;

                // RFC 5861, section 4 treats these statuses as errors.
                case HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout:
                    string asked = response.RequestMessage?.RequestUri is { } address ? PaperlessFailureText.AddressOf(address) : path;
                    return HandleMissingAnswer(path, stale, $"{asked} answered {(int)response.StatusCode}", ref uncacheableFor);

                default:
                    file = null;
                    break;
            }

            if (file is null)
            {
                store.Update(path, _ => null);
                uncacheableFor = UncacheableTtl;
            }

            return file;
        }
        catch (Exception error) when (error is UpstreamUnavailableException or HttpRequestException or IOException or OperationCanceledException)
        {
            string cause = error is UpstreamUnavailableException unavailable ? unavailable.Message : error.GetType().Name;
            return HandleMissingAnswer(path, stale, cause, ref uncacheableFor);
        }
        catch (Exception error)
        {
            // All requests that wait for this file are forwarded.
            StaticFileFetchFailed(error, path);
            uncacheableFor = FailureBackoff;
            return null;
        }
        finally
        {
            lock (_lock)
            {
                _fetches.Remove(path);
                if (uncacheableFor is { } ttl)
                {
                    _uncacheable[path] = clock.GetTimestamp() + (long)(ttl.TotalSeconds * clock.TimestampFrequency);
                }
            }
        }
    }

    private CachedStaticFile? HandleMissingAnswer(string path, CachedStaticFile? stale, string cause, ref TimeSpan? uncacheableFor)
    {
        if (stale is not { CanBeServedOnError: true })
        {
            uncacheableFor = FailureBackoff;
            return null;
        }

        if (stale.RetryAt == 0)
        {
            StaticFileStale(path, cause);
        }

        stale.RetryAt = clock.GetTimestamp() + (long)(FailureBackoff.TotalSeconds * clock.TimestampFrequency);
        return stale;
    }

    private Task<HttpResponseMessage> SendAsync(string path, CachedStaticFile? stale, CancellationToken cancel)
    {
        List<(string Name, string Value)> headers = [("Accept-Encoding", "identity")];
        if (stale?.LastModified is { } modified)
        {
            headers.Add(("If-Modified-Since", modified.ToString("R", CultureInfo.InvariantCulture)));
        }

        headers.AddRange((stale?.ETag ?? default).OfType<string>().Select(tag => ("If-None-Match", tag)));
        return paperless.OpenAsync(new UpstreamRequest(HttpMethod.Get, path, Timeout.InfiniteTimeSpan) { Headers = headers }, cancel);
    }

    /// <returns>Null where the response is not cacheable or does not fit.</returns>
    private async Task<CachedStaticFile?> ReadAsync(string path, HttpResponseMessage response, long sentAt, CancellationToken cancel)
    {
        HeaderDictionary headers = CacheableHeaders(response);
        if (response.Content.Headers.ContentLength is not { } length || length > limits.MaxFileBytes || CacheTerms.From(headers) is not { } terms)
        {
            return null;
        }

        // The file and its fast compression.
        long reserved = 2 * length;
        if (!store.TryReserve(reserved))
        {
            return null;
        }

        try
        {
            byte[] content = new byte[length];
            await using Stream body = await response.Content.ReadAsStreamAsync(cancel);
            await body.ReadExactlyAsync(content, cancel);
            CachedStaticFile file = new(path, headers, terms, sentAt, clock, content);
            file = file.IsCompressible ? StaticFileCompression.WithFastGzip(file) : file;
            store.Put(file, reserved);
            reserved = 0;
            compression.Enqueue(file);
            return file;
        }
        finally
        {
            store.Release(reserved);
        }
    }

    private static HeaderDictionary CacheableHeaders(HttpResponseMessage response)
    {
        HeaderDictionary cacheable = [];
        foreach ((string name, HeaderStringValues values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            if (!UncachedHeaders.Contains(name) && !response.Headers.Connection.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                cacheable[name] = new StringValues([.. values]);
            }
        }

        return cacheable;
    }

    [LoggerMessage(
        EventId = 5030,
        EventName = "StaticFileStale",
        Level = LogLevel.Warning,
        Message = "Paperless gives no usable answer for {Path}: {Cause}. The gateway serves the stale file for some minutes; check that Paperless runs")]
    private partial void StaticFileStale(string path, string cause);

    [LoggerMessage(
        EventId = 5031,
        EventName = "StaticFileFetchFailed",
        Level = LogLevel.Error,
        Message = "Fetching the static file {Path} failed inside the gateway. Requests for the file are forwarded; the fetch is repeated soon")]
    private partial void StaticFileFetchFailed(Exception error, string path);
}
