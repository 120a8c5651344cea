using System.Diagnostics;
using System.Globalization;

namespace Gateway.Benchmarks;

/// <summary>A server process that this benchmark started, and the only one that it stops.</summary>
internal sealed class Child : IDisposable
{
    private static readonly double TicksPerSecond = 100;

    private readonly Process _process;

    public Child(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;

        // Read and dropped: a full pipe would stop the server.
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, line) => Console.Error.Write(line.Data is { Length: > 0 } text ? text + "\n" : "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>CPU seconds, user and system, of the process and of the children that it has waited for or still has.</summary>
    public double CpuSeconds => Family(_process.Id).Sum(Cpu);

    /// <summary>Resident memory in MiB.</summary>
    public double MemoryMiB
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / 1024.0 / 1024.0;
        }
    }

    /// <exception cref="TimeoutException">Nothing answers there within 30 s, or the process ended.</exception>
    public async Task WaitForAsync(Uri address)
    {
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(2) };
        long start = Stopwatch.GetTimestamp();
        while (!_process.HasExited && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30))
        {
            try
            {
                using HttpResponseMessage response = await client.GetAsync(address);
                return;
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
            {
                await Task.Delay(50);
            }
        }

        throw new TimeoutException($"Nothing answers at {address}.");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(5000);
        }

        _process.Dispose();
    }

    private static IEnumerable<int> Family(int id) =>
        File.ReadAllText($"/proc/{id}/task/{id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).Prepend(id);

    private static double Cpu(int id)
    {
        // Fields 14 and 15, counted after the name in brackets, which may hold spaces (proc(5)).
        string stat = File.ReadAllText($"/proc/{id}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
