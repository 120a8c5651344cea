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
    /// <param name="program">Null: the program that was built beside the tests.</param>
    public static Task<GatewayProcess> StartAsync(World world, string? program = null)
    {
        Uri management = new($"http://127.0.0.1:{World.FreePort()}");
        ProcessStartInfo start = new(program ?? Path.Combine(AppContext.BaseDirectory, "Gateway")) { WorkingDirectory = Path.GetTempPath() };
        foreach ((string name, string? value) in Settings(world, management))
        {
            start.Environment[name] = value;
        }

        return StartAsync(start, management, RealPart.Process);
    }

    /// <summary>What the program needs in its environment to run at the address of a world.</summary>
    public static IReadOnlyDictionary<string, string?> Settings(World world, Uri management) => new Dictionary<string, string?>(world.Settings())
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["ASPNETCORE_URLS"] = world.Origin,
        ["GATEWAY_MANAGEMENT_URL"] = management.GetLeftPart(UriPartial.Authority),
    };

    /// <param name="start">Starts the program with the settings of <see cref="Settings"/>.</param>
    public static async Task<GatewayProcess> StartAsync(ProcessStartInfo start, Uri management, RealPart part)
    {
        NeedsAttribute.Check(part);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
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
    public int PeakMemory() => Memory("VmHWM:");

    /// <summary>The memory that the process holds now, in MiB.</summary>
    public int ResidentMemory() => Memory("VmRSS:");

    private int Memory(string name)
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").Single(line => line.StartsWith(name, StringComparison.Ordinal));
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
