using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Kit;

/// <summary>A real reverse proxy with TLS on a loopback port. Its configuration is that of docs/installation.md, with other addresses and files.</summary>
internal sealed partial class ReverseProxy : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-proxy").FullName;
    private readonly ConcurrentQueue<string> _output = new();
    private Process? _process;

    private ReverseProxy(int port) => Port = port;

    public int Port { get; }

    /// <summary>The certificate of every proxy, which its browsers trust.</summary>
    public static X509Certificate2 Certificate() => X509CertificateLoader.LoadCertificateFromFile(PrivateAuthority.CertificateFile);

    /// <param name="change">Makes a mistake in the documented configuration.</param>
    public static async Task<ReverseProxy> StartAsync(RealPart part, int port, int gatewayPort, Func<string, string>? change = null)
    {
        NeedsAttribute.Check(part);
        ReverseProxy proxy = new(port);
        try
        {
            await proxy.RunAsync(part, gatewayPort, change ?? (documented => documented));
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

    private async Task RunAsync(RealPart part, int gatewayPort, Func<string, string> change)
    {
        string pem = Path.Combine(_directory, "both.pem");
        await File.WriteAllTextAsync(
            pem,
            $"{await File.ReadAllTextAsync(PrivateAuthority.CertificateFile, World.Ct)}\n{await File.ReadAllTextAsync(PrivateAuthority.KeyFile, World.Ct)}\n",
            World.Ct);
        string file = Path.Combine(_directory, "proxy.conf");
        string upstream = $"127.0.0.1:{gatewayPort}";
        (ProcessStartInfo start, string configuration) = part switch
        {
            RealPart.Nginx => (new ProcessStartInfo("/usr/sbin/nginx", ["-p", _directory, "-e", "stderr", "-c", file]), Nginx(pem, upstream)),
            RealPart.HAProxy => (new ProcessStartInfo("/usr/sbin/haproxy", ["-db", "-f", file]), HAProxy(pem, upstream)),
            RealPart.Caddy => (new ProcessStartInfo("/usr/bin/caddy", ["run", "--adapter", "caddyfile", "--config", file]), Caddy(pem, upstream)),
            _ => throw new ArgumentOutOfRangeException(nameof(part), part, "no reverse proxy"),
        };
        string changed = change(configuration);
        await File.WriteAllTextAsync(file, changed, World.Ct);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["HOME"] = start.Environment["XDG_DATA_HOME"] = start.Environment["XDG_CONFIG_HOME"] = _directory;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Wait.UntilAsync(AnswersAsync, $"{part} listens.", () => $"{changed}\n{string.Join('\n', _output)}");
    }

    /// <summary>One process that needs no root. Debian's own file has the same defaults, and files for a server that runs beside.</summary>
    private string Nginx(string pem, string upstream) => $$"""
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
        {{Documented("nginx")
            .Replace("listen 443", $"listen 127.0.0.1:{Port}", StringComparison.Ordinal)
            .Replace("/etc/ssl/docs.example.com.pem", pem, StringComparison.Ordinal)
            .Replace("/etc/ssl/docs.example.com.key", pem, StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", upstream, StringComparison.Ordinal)}}
        }
        """;

    private string HAProxy(string pem, string upstream) => Documented("haproxy")
        .Replace("bind :443", $"bind 127.0.0.1:{Port}", StringComparison.Ordinal)
        .Replace("/etc/haproxy/docs.example.com.pem", pem, StringComparison.Ordinal)
        .Replace("127.0.0.1:8080", upstream, StringComparison.Ordinal);

    /// <summary>With a certificate of its own, so that it asks no authority for one.</summary>
    private string Caddy(string pem, string upstream) => $$"""
        {
            admin off
            auto_https disable_redirects
        }
        {{Documented("caddyfile")
            .Replace("docs.example.com {", $"https://localhost:{Port} {{\n    bind 127.0.0.1\n    tls {pem} {pem}", StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", upstream, StringComparison.Ordinal)}}
        """;

    private static string Documented(string language) =>
        CodeBlock().Matches(Document.Of("docs/installation.md").Text).Single(block => block.Groups["language"].Value == language).Groups["code"].Value;

    private async Task<bool> AnswersAsync()
    {
        if (_process!.HasExited)
        {
            int code = await _process.ExitCodeAsync();
            throw new InvalidOperationException($"The proxy ended with {code}.\n{string.Join('\n', _output)}");
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
