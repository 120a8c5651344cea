using System.Collections.Concurrent;
using System.Diagnostics;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>The gateway as a process of its own, for what a process does: being killed, and refusing to start.</summary>
internal sealed class GatewayProcess : IDisposable
{
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly TaskCompletionSource<bool> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process _process;

    private GatewayProcess(World world)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "Gateway.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (string name in (string[])["PATH", "HOME", "DOTNET_ROOT"])
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
            {
                start.Environment[name] = value;
            }
        }

        foreach ((string name, string? value) in world.Settings())
        {
            start.Environment[name] = value;
        }

        start.Environment["ASPNETCORE_URLS"] = world.Origin;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) =>
        {
            // Null is the end of the output, and with it of the process.
            if (line.Data is null || line.Data.Contains("Application started", StringComparison.Ordinal))
            {
                _started.TrySetResult(line.Data is not null);
            }
        };
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<GatewayProcess> StartAsync(World world)
    {
        GatewayProcess gateway = new(world);
        Assert.True(await gateway._started.Task.WaitAsync(TimeSpan.FromSeconds(30), World.Ct), $"It did not start: {string.Join('\n', gateway._errors)}");
        return gateway;
    }

    /// <summary>Starts it where it is expected to refuse.</summary>
    public static async Task<(int ExitCode, string Errors)> RefusedAsync(World world)
    {
        using GatewayProcess gateway = new(world);
        await gateway._process.WaitForExitAsync(World.Ct).WaitAsync(TimeSpan.FromSeconds(30), World.Ct);
        return (gateway._process.ExitCode, string.Join('\n', gateway._errors));
    }

    /// <summary>SIGKILL: it gets no chance to write anything.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(World.Ct);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
