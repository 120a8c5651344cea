using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>A real redis-server on a loopback port that a test can stop and restart with its data.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Program = "/usr/bin/redis-server";

    /// <summary>The name of the monitored service in Sentinel.</summary>
    public const string ServiceName = "main";

    private const int MaxTries = 3;

    private readonly string _directory = Path.Combine(Path.GetTempPath(), "gateway-redis-" + Guid.NewGuid().ToString("N"));
    private readonly string[] _arguments;
    private readonly string? _sentinelOf;
    private readonly string? _password;
    private Process? _process;

    private RedisServer(string[] arguments, string? password = null, string? sentinelOf = null)
    {
        NeedsAttribute.Check(RealPart.Redis);
        _arguments = arguments;
        _password = password;
        _sentinelOf = sentinelOf;
        Directory.CreateDirectory(_directory);
    }

    public int Port { get; } = World.FreePort();

    /// <summary>The value for `GATEWAY_REDIS_URL`.</summary>
    public string Url
    {
        get => field ?? (_password is null ? $"redis://127.0.0.1:{Port}" : $"redis://:{Uri.EscapeDataString(_password)}@127.0.0.1:{Port}");
        private init;
    }

    public static bool IsInstalled => File.Exists(Program);

    /// <param name="keeps">Writes every change to the disk immediately, so that the data survives a kill -9.</param>
    public static Task<RedisServer> StartAsync(bool keeps = false, string? password = null) =>
        StartAsync(new RedisServer(["--appendonly", keeps ? "yes" : "no", "--appendfsync", "always", .. Password(password)], password));

    /// <summary>TLS with a certificate of the private authority, and a user with only the permissions that the gateway needs.</summary>
    public static Task<RedisServer> StartWithTlsAsync()
    {
        int port = World.FreePort();
        return StartAsync(new RedisServer(
        [
            "--tls-port", $"{port}", "--tls-cert-file", PrivateAuthority.CertificateFile, "--tls-key-file", PrivateAuthority.KeyFile,
            "--tls-ca-cert-file", PrivateAuthority.AuthorityFile, "--tls-auth-clients", "no",
            "--user", "default", "off",
            "--user", "gateway", "on", ">a secret: @/", "resetkeys", "~{pgw}:*", "resetchannels", "&{pgw}:*", "-@all",
            "+@read", "+@write", "+@connection", "+@pubsub", "+@scripting", "+info", "+time", "-@dangerous", "+info", "+role",
        ])
        {
            Url = $"rediss://gateway:{Uri.EscapeDataString("a secret: @/")}@127.0.0.1:{port}",
        });
    }

    /// <summary>A cluster of one node that has all slots.</summary>
    public static async Task<RedisServer> StartClusterAsync()
    {
        RedisServer server = await StartAsync(
            new RedisServer(["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-port", $"{World.FreePort()}"]));
        await server.AskAsync("CLUSTER ADDSLOTSRANGE 0 16383");
        await Wait.UntilAsync(
            async () => (await server.AskAsync("CLUSTER INFO")).Contains("cluster_state:ok", StringComparison.Ordinal),
            "The cluster is ready.");
        return server;
    }

    public static Task<RedisServer> StartReplicaAsync(RedisServer of)
        => StartAsync(new RedisServer(["--replicaof", "127.0.0.1", $"{of.Port}", "--repl-diskless-sync-delay", "0"]));

    /// <summary>A Sentinel that monitors a server and its replicas and performs the failover.</summary>
    public static Task<RedisServer> StartSentinelAsync(RedisServer of)
    {
        RedisServer server = new([], sentinelOf: $"127.0.0.1 {of.Port}");
        return StartAsync(server);
    }

    public async Task StartAgainAsync()
    {
        _process = Process.Start(new ProcessStartInfo(Program, Arguments()) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        await Wait.UntilAsync(
            () =>
            {
                Assert.False(_process.HasExited, $"redis-server ended with {(_process.HasExited ? _process.ExitCode : 0)}.");
                return AnswersAsync();
            },
            "redis-server answers.");
    }

    /// <summary>Kills the server without closing its connections properly.</summary>
    public async Task KillAsync()
    {
        Process killed = _process!;
        _process = null;
        await killed.KillAsync();
        killed.Dispose();
    }

    /// <summary>`STOP` makes the server hang with open connections, until `CONT`.</summary>
    public Task SignalAsync(string signal) => _process!.SignalAsync(signal);

    /// <summary>Sends one command whose arguments contain no blanks and returns the raw answer.</summary>
    /// <remarks>A failover closes the connections of all clients: an exchange that was broken off is repeated.</remarks>
    public async Task<string> AskAsync(string command)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return await ExchangeAsync(command).InTimeAsync($"Redis answers {command}.");
            }
            catch (IOException) when (tries < MaxTries)
            {
                // Sentinel sends CLIENT KILL to the server that takes over.
            }
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

    private static async Task<RedisServer> StartAsync(RedisServer server)
    {
        await server.StartAgainAsync();
        return server;
    }

    private static string[] Password(string? password) => password is null ? [] : ["--requirepass", password];

    private string[] Arguments()
    {
        string[] all = ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _directory, "--save", "", .. _arguments];
        if (_sentinelOf is null)
        {
            return all;
        }

        // Sentinel writes its state into this file.
        string file = Path.Combine(_directory, "sentinel.conf");
        if (!File.Exists(file))
        {
            File.WriteAllText(file, $"""
                port {Port}
                bind 127.0.0.1
                dir {_directory}
                sentinel monitor {ServiceName} {_sentinelOf} 1
                sentinel down-after-milliseconds {ServiceName} 500
                sentinel failover-timeout {ServiceName} 3000

                """);
        }

        return [file, "--sentinel"];
    }

    private async Task<string> ExchangeAsync(string command)
    {
        using TcpClient client = new();
        await client.ConnectAsync("127.0.0.1", Port, World.Ct);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes((_password is null ? "" : $"AUTH \"{_password}\"\r\n") + command + "\r\n"), World.Ct);
        client.Client.Shutdown(SocketShutdown.Send);
        using StreamReader reader = new(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync(World.Ct);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            string answer = await AskAsync("PING");
            return answer.Contains("PONG", StringComparison.Ordinal) || answer.Contains("NOAUTH", StringComparison.Ordinal);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return false;
        }
    }
}
