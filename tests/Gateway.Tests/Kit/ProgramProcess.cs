using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>A program of this solution as a process with an environment, a console and an exit code.</summary>
internal sealed class ProgramProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly StringBuilder _errors = new();

    private ProgramProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                _output.Enqueue(line.Data);
            }
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
        NeedsAttribute.Check(RealPart.Process);

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

    /// <summary>Starts the gateway and waits until it serves.</summary>
    public static async Task<ProgramProcess> ServeAsync(IReadOnlyDictionary<string, string?> settings)
    {
        ProgramProcess gateway = Start("Gateway", [], settings);
        try
        {
            await gateway.LineAsync(line => line.Contains("Application started", StringComparison.Ordinal));
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
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
        string? found = null;
        await Wait.UntilAsync(
            async () =>
            {
                bool hasEnded = _process.HasExited;
                if (hasEnded)
                {
                    // The last lines come after the end.
                    await _process.WaitForExitAsync(World.Ct);
                }

                found = _output.FirstOrDefault(line => fits(line));
                return found is not null || hasEnded;
            },
            "The program writes the line that the test waits for.",
            All);
        return found ?? throw new InvalidOperationException($"The program ended with {_process.ExitCode}.\n{All()}");
    }

    /// <summary>`INT` as Ctrl+C sends it, `TERM` as a stopping container gets it.</summary>
    public Task SignalAsync(string signal) => _process.SignalAsync(signal);

    public Task<int> ExitAsync() => _process.ExitCodeAsync(All);

    public async ValueTask DisposeAsync()
    {
        await _process.KillAsync();
        _process.Dispose();
    }

    private string All() => $"{string.Join('\n', _output)}\n{Errors}";

    private static bool IsSetting(string name) =>
        name.StartsWith("PAPERLESS_", StringComparison.Ordinal) || name.StartsWith("GATEWAY_", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.StartsWith("DOTNET_ENVIRONMENT", StringComparison.Ordinal);
}
