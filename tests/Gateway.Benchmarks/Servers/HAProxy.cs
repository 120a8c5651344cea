namespace Gateway.Benchmarks.Servers;

/// <summary>Debian's HAProxy as a proxy without authentication: a thread for each processor, connections to the upstream shared by all of them.</summary>
internal static class HAProxy
{
    public static async Task<(Child Server, Uri Address)> StartProxyAsync(Workbench bench, Uri upstream)
    {
        int port = Workbench.FreePort();
        string configuration = bench.File("haproxy.cfg", $"""
            global
              nbthread {Environment.ProcessorCount}
              maxconn 4096
            defaults
              mode http
              timeout connect 5s
              timeout client 60s
              timeout server 60s
              option forwardfor
              http-reuse always
            frontend browsers
              bind 127.0.0.1:{port} backlog 4096
              http-request set-header X-Forwarded-Host %[req.hdr(Host)]
              http-request set-header X-Forwarded-Proto http
              default_backend paperless
            backend paperless
              server one {upstream.Authority}

            """);
        Child server = bench.Start(DebianProgram.HAProxy.Path, ["-db", "-f", configuration]);
        Uri address = new($"http://127.0.0.1:{port}/");
        await server.WaitForAsync(address, bench.Cancel);
        return (server, address);
    }
}
