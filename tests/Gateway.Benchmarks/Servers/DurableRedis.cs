using System.Globalization;

namespace Gateway.Benchmarks.Servers;

/// <summary>Debian's redis-server, which writes everything to its append-only file, can go away, and comes back with what it had.</summary>
internal sealed class DurableRedis(Workbench bench)
{
    private readonly int _port = Workbench.FreePort();
    private Child? _server;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"redis://127.0.0.1:{_port}");

    public async Task StartAsync()
    {
        string port = _port.ToString(CultureInfo.InvariantCulture);
        string[] arguments =
        [
            "--port", port, "--bind", "127.0.0.1", "--dir", bench.Folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
        ];
        _server = bench.Start(DebianProgram.Redis.Path, arguments);
        await _server.WaitForAsync(_port);
    }

    public void Stop() => _server?.Dispose();
}
