using System.Threading.Channels;

namespace Gateway.Background;

/// <summary>A background loop that survives every exception: it logs the exception and retries with exponential back-off, at most a minute.</summary>
/// <param name="work">What it does, for the log.</param>
internal sealed partial class BackgroundLoop(string work, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan MinBackoff = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan MaxBackoff = TimeSpan.FromMinutes(1);

    /// <summary>Takes a turn each <paramref name="period"/>; after failures in a row it leaves turns out, for a minute at most.</summary>
    public async Task RunPeriodicallyAsync(TimeSpan period, Func<CancellationToken, Task> turn, CancellationToken stopping)
    {
        // One tick waits at most, as with a PeriodicTimer; that one brings the process down where its clock makes no timer.
        Channel<bool> ticks = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        await using ITimer timer = Timer(() => ticks.Writer.TryWrite(true), period);
        int failures = 0;
        int skippedTurns = 0;
        while (await HasMoreAsync(ticks.Reader, stopping))
        {
            ticks.Reader.TryRead(out _);
            if (skippedTurns > 0)
            {
                skippedTurns--;
                continue;
            }

            failures = await RunOnceAsync(turn, stopping) ? 0 : failures + 1;
            skippedTurns = Math.Max((int)(Backoff(period, failures) / period) - 1, 0);
        }
    }

    /// <summary>Works on what comes through the queue, one after another; a failure costs the one item.</summary>
    public async Task RunQueueAsync<T>(ChannelReader<T> queue, Func<T, CancellationToken, Task> item, CancellationToken stopping)
    {
        int failures = 0;
        while (await HasMoreAsync(queue, stopping))
        {
            while (!stopping.IsCancellationRequested && queue.TryRead(out T? next))
            {
                failures = await RunOnceAsync(token => item(next, token), stopping) ? 0 : failures + 1;
                if (failures > 0)
                {
                    await PauseAsync(Backoff(MinBackoff, failures), stopping);
                }
            }
        }
    }

    /// <returns>False where it failed, which is in the log then.</returns>
    public async Task<bool> RunOnceAsync(Func<CancellationToken, Task> turn, CancellationToken stopping)
    {
        try
        {
            await turn(stopping);
            return true;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception error)
        {
            Report(error);
            return false;
        }
    }

    /// <summary>Twice as long after each failure in a row.</summary>
    private static TimeSpan Backoff(TimeSpan shortest, int failures)
    {
        if (failures == 0)
        {
            return TimeSpan.Zero;
        }

        TimeSpan doubled = shortest * Math.Pow(2, Math.Min(failures - 1, 10));
        return doubled < MaxBackoff ? doubled : MaxBackoff;
    }

    private static async Task<bool> HasMoreAsync<T>(ChannelReader<T> queue, CancellationToken stopping)
    {
        try
        {
            return await queue.WaitToReadAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>A clock that makes no timer does not end the loop either: the machine's own takes its place.</summary>
    private ITimer Timer(Action tick, TimeSpan period)
    {
        try
        {
            return time.CreateTimer(_ => tick(), state: null, period, period);
        }
        catch (Exception error)
        {
            Report(error);
            return TimeProvider.System.CreateTimer(_ => tick(), state: null, period, period);
        }
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken stopping)
    {
        try
        {
            await Task.Delay(pause, time, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The loop ends.
        }
        catch (Exception error)
        {
            Report(error);
            await Task.Delay(pause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Report(Exception error)
    {
        try
        {
            TurnFailed(error, work);
        }
        catch (Exception)
        {
            // A line that cannot be written must not end the work that it is about.
        }
    }

    [LoggerMessage(
        EventId = 1200,
        EventName = "BackgroundWorkFailed",
        Level = LogLevel.Error,
        Message = "{Work} failed inside the gateway. It continues and is retried within a minute")]
    private partial void TurnFailed(Exception error, string work);
}
