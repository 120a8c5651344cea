using System.Diagnostics;

namespace Gateway.StandIns.Paperless;

/// <summary>One Python process: it answers one request after another, in the order in which they came, and is busy meanwhile.</summary>
internal sealed class PythonWorker
{
    private Task _before = Task.CompletedTask;

    public async Task DoAsync(TimeSpan time, CancellationToken cancel)
    {
        TaskCompletionSource mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await Interlocked.Exchange(ref _before, mine.Task);
        try
        {
            // Nobody waits for the answer any more once it is cancelled.
            cancel.ThrowIfCancellationRequested();

            // A thread of its own: those of the pool carry the requests of everything else in this process.
            await Task.Factory.StartNew(() => Spin(time), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            mine.SetResult();
        }
    }

    private static void Spin(TimeSpan time)
    {
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < time)
        {
            Thread.SpinWait(100);
        }
    }
}
