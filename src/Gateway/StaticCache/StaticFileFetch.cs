using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Gateway.Paperless;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>
/// Gets static files from Paperless, each once however many wait for it. The request is the gateway's own: nothing of a visitor's is in it,
/// so that no visitor can shape what others get, and none takes it along when they leave.
/// </summary>
internal sealed partial class StaticFileFetch(
    UpstreamClient paperless,
    StaticFileStore store,
    StaticFileCompression compression,
    StaticFileLimits limits,
    TimeProvider clock,
    ILogger<StaticFileFetch> logger)
{
    private const int MostAtOnce = 64;

    /// <summary>
    /// Paths that are known not to be kept. Where the list is full, unknown paths are forwarded only: names made up cost Paperless one request, not
    /// two.
    /// </summary>
    private const int MostPassed = 1024;

    /// <summary>How long a path that may not be kept is not tried again.</summary>
    private static readonly TimeSpan PassedFor = TimeSpan.FromMinutes(1);

    /// <summary>The same after a failure; and how long Paperless, which did not answer, is not asked about a file that is stale.</summary>
    private static readonly TimeSpan LeftAloneFor = TimeSpan.FromSeconds(5);

    /// <summary>This connection's business (RFC 9110, section 7.6.1), or the gateway's own.</summary>
    private static readonly FrozenSet<string> NotKept = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Alt-Svc", "Content-Length",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task<StaticFile?>> _flights = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _passed = new(StringComparer.Ordinal);

    /// <summary>A file that may be served now; null where the request is to be forwarded.</summary>
    public Task<StaticFile?> FileAsync(string path)
    {
        lock (_lock)
        {
            // Once more: a flight may have landed since the caller looked.
            StaticFile? known = store.Find(path);
            bool unanswered = known is { AskAgainAt: > 0, MayBeServedOnError: true };
            if (known is not null && (known.IsFresh || (unanswered && clock.GetTimestamp() < known.AskAgainAt)))
            {
                return Task.FromResult<StaticFile?>(known);
            }

            if (!_flights.TryGetValue(path, out Task<StaticFile?>? flight))
            {
                if (IsPassed(path) || (known is null && (_flights.Count >= MostAtOnce || IsFull())))
                {
                    return Task.FromResult<StaticFile?>(null);
                }

                // Nothing of the request that begins it goes with it, no trace either.
                using AsyncFlowControl own = ExecutionContext.SuppressFlow();
                flight = Task.Run(() => FlyAsync(path, known));
                _flights.Add(path, flight);
            }

            // Paperless was away a moment ago: nobody waits to hear whether it still is.
            return unanswered ? Task.FromResult(known) : flight;
        }
    }

    private bool IsPassed(string path)
    {
        long now = clock.GetTimestamp();
        if (_passed.TryGetValue(path, out long until))
        {
            if (now < until)
            {
                return true;
            }

            _passed.Remove(path);
        }

        return false;
    }

    /// <summary>Files that are kept already are asked about all the same: they are no names that somebody made up.</summary>
    private bool IsFull()
    {
        long now = clock.GetTimestamp();
        if (_passed.Count >= MostPassed)
        {
            foreach ((string other, long end) in _passed)
            {
                if (now >= end)
                {
                    _passed.Remove(other);
                }
            }
        }

        return _passed.Count >= MostPassed;
    }

    private async Task<StaticFile?> FlyAsync(string path, StaticFile? stale)
    {
        TimeSpan? pass = null;
        try
        {
            using CancellationTokenSource late = new(limits.Wait, clock);
            long sentAt = clock.GetTimestamp();
            using HttpResponseMessage response = await SendAsync(path, stale, late.Token);
            StaticFile? file;
            switch (response.StatusCode)
            {
                case HttpStatusCode.NotModified when stale is not null:
                    HeaderDictionary news = Kept(response);
                    file = store.Update(path, now => now.Refreshed(news, sentAt), gone: stale) is { } refreshed && refreshed.IsFresh ? refreshed : null;
                    break;

                case HttpStatusCode.OK:
                    file = await ReadAsync(path, response, sentAt, late.Token);
                    break;

                // RFC 5861, section 4: as good as no answer.
                case HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout:
                    return Unanswered(path, stale, response.StatusCode.ToString(), ref pass);

                default:
                    file = null;
                    break;
            }

            if (file is null)
            {
                store.Update(path, _ => null);
                pass = PassedFor;
            }

            return file;
        }
        catch (Exception error) when (error is UpstreamUnavailableException or HttpRequestException or IOException or OperationCanceledException)
        {
            return Unanswered(path, stale, error.GetType().Name, ref pass);
        }
        catch (Exception error)
        {
            // Whatever it is: everybody who waits for this file is forwarded.
            FetchFailed(error, path);
            pass = LeftAloneFor;
            return null;
        }
        finally
        {
            lock (_lock)
            {
                _flights.Remove(path);
                if (pass is { } time)
                {
                    _passed[path] = clock.GetTimestamp() + (long)(time.TotalSeconds * clock.TimestampFrequency);
                }
            }
        }
    }

    private StaticFile? Unanswered(string path, StaticFile? stale, string cause, ref TimeSpan? pass)
    {
        if (stale is not { MayBeServedOnError: true })
        {
            pass = LeftAloneFor;
            return null;
        }

        if (stale.AskAgainAt == 0)
        {
            ServedStale(path, cause);
        }

        stale.AskAgainAt = clock.GetTimestamp() + (long)(LeftAloneFor.TotalSeconds * clock.TimestampFrequency);
        return stale;
    }

    private Task<HttpResponseMessage> SendAsync(string path, StaticFile? stale, CancellationToken cancel)
    {
        List<(string Name, string Value)> headers = [("Accept-Encoding", "identity")];
        if (stale?.LastModified is { } modified)
        {
            headers.Add(("If-Modified-Since", modified.ToString("R", CultureInfo.InvariantCulture)));
        }

        headers.AddRange((stale?.ETag ?? default).OfType<string>().Select(tag => ("If-None-Match", tag)));
        return paperless.OpenAsync(new UpstreamRequest(HttpMethod.Get, path, Timeout.InfiniteTimeSpan) { Headers = headers }, cancel);
    }

    /// <returns>Null where it may not, or cannot, be kept.</returns>
    private async Task<StaticFile?> ReadAsync(string path, HttpResponseMessage response, long sentAt, CancellationToken cancel)
    {
        HeaderDictionary headers = Kept(response);
        if (response.Content.Headers.ContentLength is not { } length || length > limits.File || CacheTerms.Of(headers) is not { } terms)
        {
            return null;
        }

        // The file and the copy that is made at once.
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
            StaticFile file = new(path, headers, terms, sentAt, clock, content);
            file = file.IsCompressible ? StaticFileCompression.WithQuickCopy(file) : file;
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

    private static HeaderDictionary Kept(HttpResponseMessage response)
    {
        HeaderDictionary kept = [];
        foreach ((string name, HeaderStringValues values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            if (!NotKept.Contains(name) && !response.Headers.Connection.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                kept[name] = new StringValues([.. values]);
            }
        }

        return kept;
    }

    [LoggerMessage(
        EventId = 5030,
        EventName = "StaticFileStale",
        Level = LogLevel.Warning,
        Message = "Paperless does not answer for {Path} ({Cause}): it is served from memory, although it is stale")]
    private partial void ServedStale(string path, string cause);

    [LoggerMessage(
        EventId = 5031,
        EventName = "StaticFileFetchFailed",
        Level = LogLevel.Error,
        Message = "{Path} could not be fetched for everybody; requests for it are forwarded for now")]
    private partial void FetchFailed(Exception error, string path);
}
