using System.Globalization;

namespace Gateway.Benchmarks.Servers;

/// <summary>Debian's redis-server, which keeps nothing on disk.</summary>
internal static class Redis
{
    public static string Start(Workbench bench)
    {
        int port = Workbench.FreePort();
        bench.Start(
            DebianProgram.Redis.Path,
            ["--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", bench.Folder, "--save", "", "--appendonly", "no"]);
        return $"redis://127.0.0.1:{port}";
    }
}
