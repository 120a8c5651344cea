using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>One HTTP/1.1 connection for many requests with unusual targets.</summary>
internal sealed class KeepAliveConnection : IDisposable
{
    private readonly TcpClient _socket;
    private readonly Stream _stream;

    private KeepAliveConnection(TcpClient socket)
    {
        _socket = socket;
        _stream = new BufferedStream(socket.GetStream());
    }

    public static async Task<KeepAliveConnection> OpenAsync(Uri address)
    {
        TcpClient socket = new() { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port, World.Ct);
        return new KeepAliveConnection(socket);
    }

    /// <summary>The body of a 200, as UTF-8.</summary>
    public Task<string> PathOfAsync(string target) => AskAsync(target).InTimeAsync($"GET {target} is answered.");

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task<string> AskAsync(string target)
    {
        await _stream.WriteAsync(Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"), World.Ct);
        await _stream.FlushAsync(World.Ct);
        string status = await LineAsync();
        int length = 0;
        for (string line = await LineAsync(); line.Length > 0; line = await LineAsync())
        {
            if (line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(line[16..], CultureInfo.InvariantCulture);
            }
        }

        byte[] body = new byte[length];
        await _stream.ReadExactlyAsync(body, World.Ct);
        Assert.True(status == "HTTP/1.1 200 OK", $"{target}: {status}");
        return Encoding.UTF8.GetString(body);
    }

    private async Task<string> LineAsync()
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (await _stream.ReadAsync(one, World.Ct) == 1 && one[0] != '\n')
        {
            line.Append((char)one[0]);
        }

        return line.ToString().TrimEnd('\r');
    }
}
