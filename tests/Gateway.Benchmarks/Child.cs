using System.Diagnostics;
using System.Globalization;

namespace Gateway.Benchmarks;

/// <summary>A server process that this benchmark started, and the only one that it stops.</summary>
internal sealed class Child : IDisposable
{
    private const double TicksPerSecond = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private bool _disposed;

    public Child(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        StartedAt = Stopwatch.GetTimestamp();
        _process = Process.Start(start)!;

        // Read and dropped: a full pipe would stop the server.
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, line) => Console.Error.Write(line.Data is { Length: > 0 } text ? text + "\n" : "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>As <see cref="Stopwatch.GetTimestamp"/> was just before the process was made.</summary>
    public long StartedAt { get; }

    public bool HasEnded => _process.HasExited;

    /// <summary>CPU seconds, user and system, of the process and of all processes that it started.</summary>
    public double CpuSeconds => Family(_process.Id).Sum(Cpu);

    /// <summary>Memory in MiB: resident; of several processes what is theirs, and their part of what they share (proc(5), `Pss`).</summary>
    public double MemoryMiB
    {
        get
        {
            int[] family = [.. Family(_process.Id)];
            return (family.Length == 1 ? KiB($"/proc/{family[0]}/status", "VmRSS:") : family.Sum(id => KiB($"/proc/{id}/smaps_rollup", "Pss:"))) / 1024;
        }
    }

    /// <summary>The resident memory by what it is for.</summary>
    public MemoryMap Map => MemoryMap.Read($"/proc/{_process.Id}/smaps");

    /// <summary>Open files, sockets among them.</summary>
    public int Handles => Directory.GetFileSystemEntries($"/proc/{_process.Id}/fd").Length;

    public int Threads => int.Parse(Field($"/proc/{_process.Id}/status", "Threads:"), CultureInfo.InvariantCulture);

    /// <summary>The highest that resident memory has been since <see cref="ForgetPeak"/>, in MiB.</summary>
    public double PeakMiB => KiB($"/proc/{_process.Id}/status", "VmHWM:") / 1024;

    /// <summary>From now on the peak is that of what follows (proc(5), `clear_refs`).</summary>
    public void ForgetPeak() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    /// <exception cref="TimeoutException">Nothing answers there within 30 s, or the process ended.</exception>
    public async Task WaitForAsync(Uri address, CancellationToken cancel = default)
    {
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(2) };
        while (!_process.HasExited && Stopwatch.GetElapsedTime(StartedAt) < Patience)
        {
            try
            {
                using HttpResponseMessage response = await client.GetAsync(address, cancel);
                return;
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
            {
                await Task.Delay(50, cancel);
            }
        }

        throw new TimeoutException($"Nothing answers at {address}.");
    }

    /// <exception cref="TimeoutException">Nothing listens there within 30 s, or the process ended.</exception>
    public async Task WaitForAsync(int port)
    {
        while (!await ReplicaSite.ListensAsync(port))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(StartedAt) > Patience)
            {
                throw new TimeoutException($"Nothing listens on port {port}.");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>SIGTERM, and the end of the process.</summary>
    /// <exception cref="TimeoutException">It goes on for a minute.</exception>
    public async Task EndAsync()
    {
        using (Process term = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await term.WaitForExitAsync();
        }

        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>Asks the process to end, so that it can put away what outlives it, and makes it end where it does not.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (!_process.HasExited)
        {
            using (Process term = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            {
                term.WaitForExit(1000);
            }

            if (!_process.WaitForExit(5000))
            {
                _process.Kill(entireProcessTree: true);
                _process.WaitForExit(5000);
            }
        }

        _process.Dispose();
    }

    private static IEnumerable<int> Family(int id) =>
        Children(id).SelectMany(Family).Prepend(id);

    private static IEnumerable<int> Children(int id)
    {
        try
        {
            return [.. Directory.GetDirectories($"/proc/{id}/task")
                .SelectMany(task => File.ReadAllText(task + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(int.Parse)];
        }
        catch (IOException)
        {
            // A thread or a process that ended meanwhile.
            return [];
        }
    }

    private static double Cpu(int id)
    {
        // Fields 14 to 17, counted after the name in brackets, which may hold spaces (proc(5)); the last two are of children that ended.
        string stat = File.ReadAllText($"/proc/{id}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[11..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static double KiB(string file, string name)
    {
        string field = Field(file, name);
        return double.Parse(field[..^"kB".Length], CultureInfo.InvariantCulture);
    }

    private static string Field(string file, string name) =>
        File.ReadLines(file).First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..];
}
