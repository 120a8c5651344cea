using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Gateway.Benchmarks;

/// <summary>
/// Where one measurement works: a folder of its own, and the servers that it starts. Both are gone at its end, however it ends;
/// Ctrl+C is such an end.
/// </summary>
internal sealed class Workbench : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _started = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _signals;

    private Workbench()
    {
        _signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop)];
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("gateway-benchmark").FullName;

    /// <summary>Cancelled when the person at the keyboard has seen enough.</summary>
    public CancellationToken Cancel => _stop.Token;

    /// <summary>Runs one measurement and puts everything away.</summary>
    /// <param name="needs">Programs, by the Debian package that brings each.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Func<Workbench, Task> measure, params DebianProgram[] needs)
    {
        DebianProgram[] missing = [.. needs.Where(program => !program.IsThere)];
        if (missing.Length > 0)
        {
            await Console.Error.WriteLineAsync($"This needs {string.Join(" and ", missing.Select(program => program.Path))}. On Debian:\n  apt-get "
                + $"install --no-install-recommends {string.Join(' ', missing.Select(program => program.Package))}");
            return 2;
        }

        await using Workbench bench = new();
        try
        {
            await measure(bench);
            return 0;
        }
        catch (OperationCanceledException) when (bench.Cancel.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped; nothing was written.");
            return 130;
        }
        catch (Exception error) when (error is InvalidOperationException or TimeoutException or HttpRequestException)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return 1;
        }
    }

    /// <summary>A server, to be stopped at the end.</summary>
    public Child Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        Cancel.ThrowIfCancellationRequested();
        Child child = new(program, arguments, environment);
        _started.Push(new Stopped(child));
        return child;
    }

    /// <summary>Something of this process's own, to be put away at the end.</summary>
    public T Keep<T>(T kept)
        where T : IAsyncDisposable
    {
        _started.Push(kept);
        return kept;
    }

    public string File(string name, string content)
    {
        string path = Path.Combine(Folder, name);
        System.IO.File.WriteAllText(path, content);
        return path;
    }

    public static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        while (_started.TryPop(out IAsyncDisposable? last))
        {
            try
            {
                await last.DisposeAsync();
            }
            catch (Exception error)
            {
                // The others are stopped all the same.
                await Console.Error.WriteLineAsync($"Not put away: {error.Message}");
            }
        }

        Array.ForEach(_signals, signal => signal.Dispose());
        _stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _stop.Cancel();
    }

    private sealed class Stopped(Child child) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            child.Dispose();
            return default;
        }
    }
}

/// <summary>A program that Debian brings.</summary>
internal sealed record DebianProgram(string Path, string Package)
{
    public static readonly DebianProgram Nginx = new("/usr/sbin/nginx", "nginx");
    public static readonly DebianProgram HAProxy = new("/usr/sbin/haproxy", "haproxy");
    public static readonly DebianProgram Chromium = new("/usr/bin/chromium", "chromium");
    public static readonly DebianProgram Wrk = new("/usr/bin/wrk", "wrk");
    public static readonly DebianProgram Redis = new("/usr/bin/redis-server", "redis-server");
    public static readonly DebianProgram Apache = new("/usr/sbin/apache2", "apache2");
    public static readonly DebianProgram Caddy = new("/usr/bin/caddy", "caddy");
    public static readonly DebianProgram OpenIdConnectForApache = new("/usr/lib/apache2/modules/mod_auth_openidc.so", "libapache2-mod-auth-openidc");

    public bool IsThere => File.Exists(Path);
}
