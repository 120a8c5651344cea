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
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        return new KeepAliveConnection(socket);
    }

    /// <summary>The body of a 200, as UTF-8.</summary>
    public async Task<string> PathOfAsync(string target)
    {
        await _stream.WriteAsync(Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"), TestContext.Current.CancellationToken);
        await _stream.FlushAsync(TestContext.Current.CancellationToken);
        string status = Line();
        int length = 0;
        for (string line = Line(); line.Length > 0; line = Line())
        {
            if (line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(line[16..], CultureInfo.InvariantCulture);
            }
        }

        byte[] body = new byte[length];
        await _stream.ReadExactlyAsync(body, TestContext.Current.CancellationToken);
        Assert.True(status == "HTTP/1.1 200 OK", $"{target}: {status}");
        return Encoding.UTF8.GetString(body);
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private string Line()
    {
        StringBuilder line = new();
        for (int value = _stream.ReadByte(); value is not ('\n' or -1); value = _stream.ReadByte())
        {
            line.Append((char)value);
        }

        return line.ToString().TrimEnd('\r');
    }
}
