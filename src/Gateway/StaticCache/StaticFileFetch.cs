using Gateway.Paperless;

namespace Gateway.StaticCache;

/// <summary>Fetches static files from Paperless, once for all waiting clients. No client cancels the fetch by disconnecting.</summary>
internal sealed partial class StaticFileFetch(
    StaticFileSource source,
    StaticFileStore store,
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

    /// <summary>After an update of Paperless: the files of a page, and some more.</summary>
    private const int MaxAnew = 16;

    /// <summary>How long an uncacheable path is forwarded without another fetch.</summary>
    private static readonly TimeSpan UncacheableTtl = TimeSpan.FromMinutes(1);

    /// <summary>The delay before the next fetch after a failure, also for a stale file.</summary>
    private static readonly TimeSpan FailureBackoff = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task<StaticFileAnswer>> _fetches = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _uncacheable = new(StringComparer.Ordinal);

    /// <summary>The cached or fetched file, or <see cref="StaticFileAnswer.None"/>.</summary>
    public Task<StaticFileAnswer> GetAsync(string path)
    {
        lock (_lock)
        {
            // Another fetch may have stored the file since the caller's look-up.
            CachedStaticFile? known = store.Find(path);
            bool isUnanswered = known is { RetryAt: > 0, CanBeServedOnError: true };
            if (known is not null && (known.IsFresh || (isUnanswered && clock.GetTimestamp() < known.RetryAt)))
            {
                return Task.FromResult(StaticFileAnswer.Of(known));
            }

            if (!_fetches.ContainsKey(path) && (IsUncacheable(path) || (known is null && (_fetches.Count >= MaxConcurrent || IsFull()))))
            {
                return Task.FromResult(StaticFileAnswer.None);
            }

            // Paperless did not answer the previous fetch: serve the stale file without waiting for this fetch.
            Task<StaticFileAnswer> pendingFetch = Fetch(path, known);
            return isUnanswered ? Task.FromResult(StaticFileAnswer.Of(known)) : pendingFetch;
        }
    }

    /// <summary>Asks whether a file has changed, and takes it where it has. Without an answer the file stays as it is.</summary>
    public async Task RefreshAsync(CachedStaticFile file)
    {
        Task<StaticFileAnswer> pendingFetch;
        lock (_lock)
        {
            pendingFetch = Fetch(file.Path, file);
        }

        // A refresh is no use of the file.
        if ((await pendingFetch).File is { } refreshed && refreshed != file)
        {
            refreshed.UnusedRefreshes = file.UnusedRefreshes + 1;
            refreshed.LastUsed = file.LastUsed;
        }
    }

    /// <summary>Takes the files of another version of Paperless before somebody asks for them.</summary>
    /// <param name="forgotten">The files of the version before, which are kept no longer.</param>
    public void FetchAnew(IEnumerable<CachedStaticFile> forgotten)
    {
        lock (_lock)
        {
            _uncacheable.Clear();
            foreach (CachedStaticFile file in forgotten.OrderByDescending(file => file.LastUsed).Take(MaxAnew))
            {
                _ = Fetch(file.Path, known: null);
            }
        }
    }

    /// <summary>The fetch that is under way, or a new one. The caller holds the lock.</summary>
    private Task<StaticFileAnswer> Fetch(string path, CachedStaticFile? known)
    {
        if (!_fetches.TryGetValue(path, out Task<StaticFileAnswer>? pendingFetch))
        {
            // The fetch belongs to no single request, so the context and the trace of this request stay out of the task.
            using AsyncFlowControl suppressed = ExecutionContext.SuppressFlow();
            pendingFetch = Task.Run(() => FetchAsync(path, known));
            _fetches.Add(path, pendingFetch);
        }

        return pendingFetch;
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

    private async Task<StaticFileAnswer> FetchAsync(string path, CachedStaticFile? stale)
    {
        TimeSpan? uncacheableFor = null;
        try
        {
            using CancellationTokenSource timeout = new(limits.FetchTimeout, clock);
            int epoch = store.Epoch;
            StaticFileAnswer answer = await source.AskAsync(path, stale, epoch, timeout.Token);
            if (store.Epoch != epoch)
            {
                // Paperless was updated meanwhile: the answer may be of the version before.
                answer = await source.AskAsync(path, stale: null, store.Epoch, timeout.Token);
            }

            if (answer.File is null)
            {
                store.Update(path, _ => null);
                uncacheableFor = UncacheableTtl;
            }

            return answer;
        }
        catch (Exception error) when (error is UpstreamUnavailableException or HttpRequestException or IOException or OperationCanceledException)
        {
            string cause = error is UpstreamUnavailableException unavailable ? unavailable.Message : error.GetType().Name;
            return StaticFileAnswer.Of(HandleMissingAnswer(path, stale, cause, ref uncacheableFor));
        }
        catch (Exception error)
        {
            // All requests that wait for this file are forwarded.
            StaticFileFetchFailed(error, path);
            uncacheableFor = FailureBackoff;
            return StaticFileAnswer.None;
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
        if (stale is { IsFresh: true })
        {
            // It was a refresh, and nobody waits for it.
            return stale;
        }

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
