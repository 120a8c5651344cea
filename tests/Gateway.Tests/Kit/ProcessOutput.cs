using System.Collections.Concurrent;
using System.Diagnostics;

namespace Gateway.Tests.Kit;

/// <summary>What a program writes to both of its outputs, for the text of a failure.</summary>
internal sealed class ProcessOutput
{
    private readonly ConcurrentQueue<string> _lines = new();

    /// <param name="process">A started process whose outputs are redirected.</param>
    public ProcessOutput(Process process)
    {
        process.OutputDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public override string ToString() => string.Join('\n', _lines);
}
