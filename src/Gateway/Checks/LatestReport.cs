namespace Gateway.Checks;

/// <summary>The findings of the last run of the checks in this process. Runs never overlap, and a page cannot make them run all the time.</summary>
internal sealed class LatestReport(CheckRunner runner, TimeProvider time) : IDisposable
{
    /// <summary>A younger report is shown again.</summary>
    public static readonly TimeSpan MinAge = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _running = new(1, 1);
    private volatile CheckReport? _last;

    /// <summary>Null until the first run has ended.</summary>
    public CheckReport? Last => _last;

    /// <summary>Runs the checks, unless they ran a moment ago.</summary>
    public async Task<CheckReport> RefreshAsync(CancellationToken cancel)
    {
        await _running.WaitAsync(cancel);
        try
        {
            return _last is { } young && time.GetUtcNow() - young.At < MinAge ? young : _last = await runner.RunAsync(cancel);
        }
        finally
        {
            _running.Release();
        }
    }

    public void Dispose() => _running.Dispose();
}
