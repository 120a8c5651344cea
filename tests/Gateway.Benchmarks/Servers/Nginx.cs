namespace Gateway.Benchmarks.Servers;

/// <summary>Debian's nginx: as what is forwarded to, with as much of Paperless's API as a sign-in asks for, and as a proxy without authentication.</summary>
internal static class Nginx
{
    /// <summary>MiB of the file at <see cref="BigFile"/>.</summary>
    public const int BigFileMiB = 10;

    /// <summary>Without the slash that Paperless has at its end: nginx would look for an index behind it.</summary>
    public const string BigFile = "/api/documents/7/download";

    private const string Alice = """
        {"id": 7, "username": "alice", "email": "alice@example.com", "first_name": "Alice", "last_name": "Archer", "is_active": true, "is_staff": false,
        "is_superuser": false, "groups": []}
        """;

    /// <summary>One worker: it has far more to give than any of the proxies takes, and leaves them the processors.</summary>
    public static async Task<(Child Server, Uri Address)> StartUpstreamAsync(Workbench bench)
    {
        string big = bench.File("big", "");
        using (FileStream file = File.OpenWrite(big))
        {
            file.SetLength(BigFileMiB * 1024 * 1024);
        }

        return await StartAsync(bench, "upstream", workers: 1, port => $$"""
            server {
              listen 127.0.0.1:{{port}} backlog=4096;
              default_type application/json;
              location = /api/ui_settings/ {
                if ($http_cookie) { return 200 '{"user": {"id": 7, "username": "alice", "is_superuser": false} }'; }
                return 200 '{"user": {"id": 1, "username": "gateway", "is_superuser": true} }';
              }
              location = /api/users/ { return 200 '{"next": null, "results": [{{Alice}}]}'; }
              location = /api/users/7/ { return 200 '{{Alice}}'; }
              location = /api/profile/ { return 200 '{"auth_token": "0123456789abcdef"}'; }
              location = / { add_header Set-Cookie "sessionid=0123456789"; return 200 "a page"; }
              location = {{BigFile}} { alias {{big}}; sendfile on; }
              location / { return 200 "{{new string('x', 1024)}}"; }
            }
            """);
    }

    public static Task<(Child Server, Uri Address)> StartProxyAsync(
        Workbench bench,
        Uri upstream) => StartAsync(bench, "proxy", Environment.ProcessorCount, port => $$"""
        upstream paperless { server {{upstream.Authority}}; keepalive 256; keepalive_requests 100000000; }
        server {
          # Without "reuseport" one worker takes nearly all of the connections that come at once.
          listen 127.0.0.1:{{port}} backlog=4096 reuseport;
          location / {
            proxy_pass http://paperless;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Host $host;
            proxy_set_header X-Forwarded-Proto $scheme;
          }
        }
        """);

    /// <summary>As people put it in front of Paperless: TLS, HTTP/2, WebSockets, and the user header of one person.</summary>
    public static async Task<(Child Server, int Port)> StartSecureProxyAsync(
        Workbench bench,
        string name,
        Uri upstream,
        LocalCertificate certificate,
        string user)
    {
        (Child server, Uri address) = await StartAsync(bench, "secure-" + name, Environment.ProcessorCount, port => $$"""
            map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
            upstream paperless { server {{upstream.Authority}}; keepalive 32; }
            server {
              listen 127.0.0.1:{{port}} ssl http2;
              ssl_certificate {{certificate.Pem}};
              ssl_certificate_key {{certificate.Key}};
              location / {
                proxy_pass http://paperless;
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade;
                proxy_set_header Host $http_host;
                proxy_set_header Remote-User {{user}};
                proxy_set_header X-Forwarded-For $remote_addr;
                proxy_set_header X-Forwarded-Host $http_host;
                proxy_set_header X-Forwarded-Proto $scheme;
              }
            }
            """);
        return (server, address.Port);
    }

    private static async Task<(Child Server, Uri Address)> StartAsync(Workbench bench, string name, int workers, Func<int, string> sites)
    {
        int port = Workbench.FreePort();
        string folder = Path.Combine(bench.Folder, "nginx-" + name);
        Directory.CreateDirectory(folder);
        string configuration = bench.File($"nginx-{name}.conf", $$"""
            daemon off;
            {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
            worker_processes {{workers}};
            error_log stderr error;
            pid {{folder}}/nginx.pid;
            events { worker_connections 4096; }
            http {
              access_log off;
              keepalive_requests 100000000;
              client_max_body_size 0;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
              {{sites(port)}}
            }
            """);
        Child server = bench.Start(DebianProgram.Nginx.Path, ["-p", folder, "-c", configuration]);
        Uri address = new($"http://127.0.0.1:{port}/");
        await server.WaitForAsync(address, bench.Cancel);
        return (server, address);
    }
}
