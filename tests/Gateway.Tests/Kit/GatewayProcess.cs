using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>The real program as a process, at the address of a world and with its stand-ins.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private GatewayProcess(Process process, Uri management)
    {
        _process = process;
        Management = management;
    }

    public Uri Management { get; }

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <param name="world">A world whose own gateway is not started.</param>
    public static async Task<GatewayProcess> StartAsync(World world)
    {
        NeedsAttribute.Check(RealPart.Process);
        Uri management = new($"http://127.0.0.1:{World.FreePort()}");
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "Gateway"))
        {
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["ASPNETCORE_URLS"] = world.Origin;
        foreach ((string name, string? value) in world.Settings())
        {
            start.Environment[name] = value;
        }

        start.Environment["GATEWAY_MANAGEMENT_URL"] = management.GetLeftPart(UriPartial.Authority);
        GatewayProcess gateway = new(new Process { StartInfo = start }, management);
        TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        void Note(object sender, DataReceivedEventArgs line)
        {
            lock (gateway._output)
            {
                gateway._output.AppendLine(line.Data);
            }

            if (line.Data?.Contains("Application started", StringComparison.Ordinal) == true)
            {
                listening.TrySetResult();
            }
        }

        gateway._process.OutputDataReceived += Note;
        gateway._process.ErrorDataReceived += Note;
        gateway._process.EnableRaisingEvents = true;
        gateway._process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException($"The gateway ended at once:\n{gateway.Output}"));
        gateway._process.Start();
        gateway._process.BeginOutputReadLine();
        gateway._process.BeginErrorReadLine();
        await listening.Task.InTimeAsync("The gateway says that it has started.", () => gateway.Output);
        return gateway;
    }

    /// <summary>The peak memory of the process in MiB.</summary>
    public int PeakMemory()
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>The number of open files, sockets and pipes.</summary>
    public int Handles() => Directory.GetFileSystemEntries($"/proc/{_process.Id}/fd").Length;

    public Task TerminateAsync() => _process.SignalAsync("TERM");

    /// <summary>Waits for the end of the process and of its output.</summary>
    public Task<int> ExitCodeAsync(TimeSpan? limit = null) => _process.ExitCodeAsync(() => Output, limit);

    public async ValueTask DisposeAsync()
    {
        await _process.KillAsync();
        _process.Dispose();
    }
}
