using Gateway.Background;

namespace Gateway.StaticCache;

/// <summary>
/// Asks Paperless about the kept files shortly before their freshness ends, so that nobody who opens a page waits for these questions: Paperless gives
/// its script a minute.
/// </summary>
internal sealed class StaticFileRefresh(
    StaticFileStore store,
    StaticFileFetch fetch,
    StaticFileLimits limits,
    TimeProvider time,
    ILogger<StaticFileRefresh> logger) : BackgroundService
{
    /// <summary>A file that nobody wanted through so many refreshes, about a day with Paperless's minute, is left alone.</summary>
    private const int MaxUnused = 1500;

    /// <summary>At least one turn comes within this time.</summary>
    private readonly TimeSpan _minLeft = 1.5 * limits.RefreshPeriod;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Refreshing the static files", time, logger).RunPeriodicallyAsync(limits.RefreshPeriod, RefreshAsync, stoppingToken);

    /// <summary>One after another: the files have time, and the people's requests have not.</summary>
    private async Task RefreshAsync(CancellationToken stopping)
    {
        foreach (CachedStaticFile file in store.Files.Where(file => file.UnusedRefreshes < MaxUnused && file.IsDue(_minLeft)))
        {
            await fetch.RefreshAsync(file).WaitAsync(stopping);
        }
    }
}
