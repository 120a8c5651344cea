using System.Diagnostics;
using System.Globalization;

namespace Gateway.Tests.Kit;

/// <summary>Signals to a process that a test has started, and the wait for its end.</summary>
internal static class ProcessWaits
{
    /// <summary>`INT` is what Ctrl+C sends, `TERM` what a container's end sends. `STOP` makes a process hang until `CONT`.</summary>
    public static async Task SignalAsync(this Process process, string signal)
    {
        using Process kill = Process.Start("kill", ["-" + signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        Assert.Equal(0, await kill.ExitCodeAsync());
    }

    /// <summary>Waits for the end, and for the last line of the output.</summary>
    public static async Task<int> ExitCodeAsync(this Process process, Func<string>? output = null, TimeSpan? limit = null)
    {
        await process.WaitForExitAsync(World.Ct).InTimeAsync($"{process.StartInfo.FileName} ends.", output, limit);
        return process.ExitCode;
    }

    /// <summary>Ends it and what it has started, also after the test was cancelled.</summary>
    public static async Task KillAsync(this Process process)
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }

        await process.WaitForExitAsync(CancellationToken.None).InTimeEvenIfCancelledAsync($"{process.StartInfo.FileName} ends after it was killed.");
    }
}
