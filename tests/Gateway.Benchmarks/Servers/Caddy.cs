namespace Gateway.Benchmarks.Servers;

/// <summary>Debian's Caddy as a proxy without authentication; like nginx here, it keeps up to 256 connections to the upstream.</summary>
internal static class Caddy
{
    public static async Task<(Child Server, Uri Address)> StartProxyAsync(Workbench bench, Uri upstream)
    {
        int port = Workbench.FreePort();
        string folder = Path.Combine(bench.Folder, "caddy");
        Directory.CreateDirectory(folder);
        string configuration = bench.File("Caddyfile", $$"""
            {
              admin off
              auto_https off
              log {
                level ERROR
              }
            }
            http://:{{port}} {
              bind 127.0.0.1
              reverse_proxy {{upstream.Authority}} {
                transport http {
                  keepalive_idle_conns_per_host 256
                }
              }
            }

            """);
        Dictionary<string, string> environment = new() { ["HOME"] = folder, ["XDG_CONFIG_HOME"] = folder, ["XDG_DATA_HOME"] = folder };
        Child server = bench.Start(DebianProgram.Caddy.Path, ["run", "--adapter", "caddyfile", "--config", configuration], environment);
        Uri address = new($"http://127.0.0.1:{port}/");
        await server.WaitForAsync(address, bench.Cancel);
        return (server, address);
    }
}
