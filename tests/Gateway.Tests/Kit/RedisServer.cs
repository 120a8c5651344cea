using System.Diagnostics;
using System.Net.Sockets;

namespace Gateway.Tests.Kit;

/// <summary>A real redis-server on a loopback port, which a test may stop and start again with what it holds.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Program = "/usr/bin/redis-server";

    private readonly string _directory = Path.Combine(Path.GetTempPath(), "gateway-redis-" + Guid.NewGuid().ToString("N"));
    private readonly bool _keeps;
    private readonly string? _password;
    private Process? _process;

    private RedisServer(bool keeps, string? password)
    {
        _keeps = keeps;
        _password = password;
        Directory.CreateDirectory(_directory);
    }

    public int Port { get; } = World.FreePort();

    public string Url => _password is null ? $"redis://127.0.0.1:{Port}" : $"redis://:{Uri.EscapeDataString(_password)}@127.0.0.1:{Port}";

    public static bool IsInstalled => File.Exists(Program);

    /// <param name="keeps">Writes everything down at once, so that it is there after a kill -9.</param>
    public static async Task<RedisServer> StartAsync(bool keeps = false, string? password = null)
    {
        RedisServer server = new(keeps, password);
        await server.StartAgainAsync();
        return server;
    }

    public async Task StartAgainAsync()
    {
        List<string> arguments = ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _directory, "--save", "", "--appendonly", _keeps ? "yes" : "no", "--appendfsync", "always"];
        if (_password is not null)
        {
            arguments.AddRange(["--requirepass", _password]);
        }

        _process = Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        while (!await AnswersAsync())
        {
            Assert.False(_process.HasExited, $"redis-server ended with {(_process.HasExited ? _process.ExitCode : 0)}.");
            await Task.Delay(20, World.Ct);
        }
    }

    /// <summary>As when the machine goes: nothing is said to anybody.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync(World.Ct);
        _process.Dispose();
        _process = null;
    }

    /// <summary>Keeps its connections and answers nothing (`STOP`), until `CONT`.</summary>
    public async Task SignalAsync(string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{_process!.Id}"]);
        await kill.WaitForExitAsync(World.Ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync("127.0.0.1", Port, World.Ct);
            await using NetworkStream stream = client.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray(), World.Ct);
            byte[] answer = new byte[64];
            int read = await stream.ReadAsync(answer, World.Ct);
            return read > 0 && answer[0] is (byte)'+' || (read > 6 && System.Text.Encoding.ASCII.GetString(answer, 0, read).Contains("NOAUTH", StringComparison.Ordinal));
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
