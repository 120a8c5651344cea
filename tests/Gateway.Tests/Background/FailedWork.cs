using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Background;

/// <summary>The log line of a background task that has failed.</summary>
internal static class FailedWork
{
    /// <summary>Waits for it.</summary>
    public static Task<LogEvent> FailedAsync(World world, string work) =>
        world.Log.WaitForAsync("BackgroundWorkFailed", line => CapturedLog.Value(line, "Work") == work);
}
