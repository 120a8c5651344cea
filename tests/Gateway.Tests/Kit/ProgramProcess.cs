using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>A program of this solution as a process with an environment, a console and an exit code.</summary>
internal sealed class ProgramProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly StringBuilder _errors = new();
    private readonly SemaphoreSlim _lineCame = new(0);

    private ProgramProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                _output.Enqueue(line.Data);
            }

            _lineCame.Release();
        };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                lock (_errors)
                {
                    _errors.AppendLine(line.Data);
                }
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public IReadOnlyList<string> Output => [.. _output];

    public string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    /// <summary>Starts `Gateway` or `Gateway.Sandbox` as it was built beside the tests.</summary>
    public static ProgramProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        // A script's background job ignores SIGINT, and so would every process that it starts.
        ProcessStartInfo start = new("env", ["--default-signal=INT", "dotnet", Path.Combine(AppContext.BaseDirectory, program + ".dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        foreach (string name in start.Environment.Keys.Where(IsSetting).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        return new ProgramProcess(Process.Start(start)!);
    }

    /// <summary>Runs a command to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null)
    {
        await using ProgramProcess process = Start(program, arguments, environment);
        int exitCode = await process.ExitAsync();
        return (exitCode, string.Join('\n', process.Output), process.Errors);
    }

    /// <summary>Waits for a matching console line.</summary>
    public async Task<string> LineAsync(Predicate<string> fits)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(World.Ct);
        patience.CancelAfter(Patience);
        while (true)
        {
            if (_output.FirstOrDefault(line => fits(line)) is { } found)
            {
                return found;
            }

            if (_process.HasExited && await Task.Run(() => _process.WaitForExit(Patience)) && !_output.Any(line => fits(line)))
            {
                throw new InvalidOperationException($"The program ended with {_process.ExitCode}.\n{string.Join('\n', _output)}\n{Errors}");
            }

            await _lineCame.WaitAsync(patience.Token);
        }
    }

    /// <summary>`INT` as Ctrl+C sends it, `TERM` as a stopping container gets it.</summary>
    public async Task SignalAsync(string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(World.Ct);
        Assert.Equal(0, kill.ExitCode);
    }

    public async Task<int> ExitAsync()
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(World.Ct);
        patience.CancelAfter(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        _lineCame.Dispose();
    }

    private static bool IsSetting(string name) =>
        name.StartsWith("PAPERLESS_", StringComparison.Ordinal) || name.StartsWith("GATEWAY_", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.StartsWith("DOTNET_ENVIRONMENT", StringComparison.Ordinal);
}
