using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Kit;

/// <summary>A real reverse proxy on a loopback port, with a configuration of docs/reverse-proxies.md or with its defaults.</summary>
internal sealed partial class ReverseProxy : IAsyncDisposable
{
    private static readonly string[] ApacheModules =
        ["mpm_event", "authn_core", "authz_core", "proxy", "proxy_http", "socache_shmcb", "ssl", "http2"];

    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-proxy").FullName;
    private Process? _process;
    private ProcessOutput? _output;

    private ReverseProxy(int port) => Port = port;

    public int Port { get; }

    /// <summary>The certificate of every proxy, which its browsers trust.</summary>
    public static X509Certificate2 Certificate() => X509CertificateLoader.LoadCertificateFromFile(PrivateAuthority.CertificateFile);

    /// <summary>With TLS and the documented configuration, in which only the addresses and the files are others.</summary>
    /// <param name="change">Makes a mistake in the documented configuration.</param>
    public static Task<ReverseProxy> StartAsync(RealPart part, int port, int gatewayPort, Func<string, string>? change = null) =>
        StartAsync(part, port, (proxy, pem) => (change ?? (documented => documented))(proxy.Documented(part, pem, $"127.0.0.1:{gatewayPort}")));

    /// <summary>nginx without TLS and with its defaults, in front of a server that must know its own address.</summary>
    public static Task<ReverseProxy> StartNginxWithDefaultsAsync(int port, int serverPort) => StartAsync(RealPart.Nginx, port, (_, _) => Nginx($$"""
        server {
            listen 127.0.0.1:{{port}};
            location / {
                proxy_pass http://127.0.0.1:{{serverPort}};
                proxy_set_header Host $http_host;
            }
        }
        """));

    private static async Task<ReverseProxy> StartAsync(RealPart part, int port, Func<ReverseProxy, string, string> configuration)
    {
        NeedsAttribute.Check(part);
        ReverseProxy proxy = new(port);
        try
        {
            await proxy.RunAsync(part, configuration);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.KillAsync();
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private async Task RunAsync(RealPart part, Func<ReverseProxy, string, string> configuration)
    {
        string pem = Path.Combine(_directory, "both.pem");
        await File.WriteAllTextAsync(
            pem,
            $"{await File.ReadAllTextAsync(PrivateAuthority.CertificateFile, World.Ct)}\n{await File.ReadAllTextAsync(PrivateAuthority.KeyFile, World.Ct)}\n",
            World.Ct);
        string file = Path.Combine(_directory, "proxy.conf");
        string text = configuration(this, pem);
        await File.WriteAllTextAsync(file, text, World.Ct);
        ProcessStartInfo start = part switch
        {
            RealPart.Nginx => new("/usr/sbin/nginx", ["-p", _directory, "-e", "stderr", "-c", file]),
            RealPart.HAProxy => new("/usr/sbin/haproxy", ["-db", "-f", file]),
            RealPart.Apache => new("/usr/sbin/apache2", ["-D", "FOREGROUND", "-f", file]),
            _ => new("/usr/bin/caddy", ["run", "--adapter", "caddyfile", "--config", file]),
        };
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["HOME"] = start.Environment["XDG_DATA_HOME"] = start.Environment["XDG_CONFIG_HOME"] = _directory;
        _process = Process.Start(start)!;
        _output = new ProcessOutput(_process);
        await Wait.UntilAsync(AnswersAsync, $"{part} listens.", () => $"{text}\n{_output}");
    }

    private string Documented(RealPart part, string pem, string upstream) => part switch
    {
        RealPart.Nginx => Nginx(Documented("nginx")
            .Replace("listen 443", $"listen 127.0.0.1:{Port}", StringComparison.Ordinal)
            .Replace("/etc/ssl/docs.example.com.pem", pem, StringComparison.Ordinal)
            .Replace("/etc/ssl/docs.example.com.key", pem, StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", upstream, StringComparison.Ordinal)),
        RealPart.HAProxy => Documented("haproxy")
            .Replace("bind :443", $"bind 127.0.0.1:{Port}", StringComparison.Ordinal)
            .Replace("/etc/haproxy/docs.example.com.pem", pem, StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", upstream, StringComparison.Ordinal),
        RealPart.Apache => Apache(Documented("apache")
            .Replace("*:443", $"127.0.0.1:{Port}", StringComparison.Ordinal)
            .Replace("/etc/ssl/docs.example.com.pem", pem, StringComparison.Ordinal)
            .Replace("/etc/ssl/docs.example.com.key", pem, StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", upstream, StringComparison.Ordinal)),
        RealPart.Caddy => Caddy(Documented("caddyfile")
            .Replace("docs.example.com {", $"https://localhost:{Port} {{\n    bind 127.0.0.1\n    tls {pem} {pem}", StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", upstream, StringComparison.Ordinal)),
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, "no reverse proxy"),
    };

    /// <summary>One process that needs no root, with its files in its directory.</summary>
    private static string Nginx(string servers) => $$"""
        daemon off;
        master_process off;
        pid nginx.pid;
        events { }
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
        {{servers}}
        }
        """;

    /// <summary>The modules that the document names, and the few that Debian switches on by itself.</summary>
    private string Apache(string site) => $"""
        ServerRoot {_directory}
        DefaultRuntimeDir {_directory}
        PidFile {_directory}/apache.pid
        Listen 127.0.0.1:{Port}
        {string.Concat(ApacheModules.Select(module => $"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n"))}
        {(Environment.IsPrivilegedProcess ? "User www-data\nGroup www-data" : "")}
        ErrorLog /dev/stderr
        StartServers 1
        {site}
        """;

    /// <summary>Without its address for commands, and without the redirect from port 80.</summary>
    private static string Caddy(string sites) => $$"""
        {
            admin off
            auto_https disable_redirects
        }
        {{sites}}
        """;

    private static string Documented(string language) =>
        CodeBlock().Matches(Document.Of("docs/reverse-proxies.md").Text).Single(block => block.Groups["language"].Value == language).Groups["code"].Value;

    private async Task<bool> AnswersAsync()
    {
        if (_process!.HasExited)
        {
            int code = await _process.ExitCodeAsync();
            throw new InvalidOperationException($"The proxy ended with {code}.\n{_output}");
        }

        try
        {
            using TcpClient client = new();
            await client.ConnectAsync("127.0.0.1", Port, World.Ct);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [GeneratedRegex("^```(?<language>\\w+)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
