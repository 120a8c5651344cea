using System.Diagnostics;

namespace Gateway.StandIns.Paperless;

/// <summary>What a static file costs Paperless: Python answers one after another, and is busy meanwhile.</summary>
internal sealed class StaticFileWork(TimeSpan each)
{
    private Task _before = Task.CompletedTask;

    public async Task DoAsync()
    {
        if (each == TimeSpan.Zero)
        {
            return;
        }

        TaskCompletionSource mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await Interlocked.Exchange(ref _before, mine.Task);
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < each)
        {
            Thread.SpinWait(100);
        }

        mine.SetResult();
    }
}
