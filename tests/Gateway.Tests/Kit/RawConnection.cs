using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>A connection to the gateway for raw bytes from the test.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly TcpClient _connection;
    private readonly NetworkStream _stream;

    private RawConnection(TcpClient connection)
    {
        _connection = connection;
        _stream = connection.GetStream();
    }

    public Stream Stream => _stream;

    public static async Task<RawConnection> OpenAsync(int port)
    {
        TcpClient connection = new() { NoDelay = true };
        await connection.ConnectAsync("127.0.0.1", port, World.Ct);
        return new RawConnection(connection);
    }

    /// <summary>Sends one request on a new connection and reads until the gateway closes it.</summary>
    public static async Task<string> AskAsync(World world, string request)
    {
        using RawConnection connection = await OpenAsync(world.Port);
        await connection.SendAsync(request);
        return await connection.ReadToEndAsync();
    }

    public ValueTask SendAsync(string text) => _stream.WriteAsync(Encoding.Latin1.GetBytes(text), World.Ct);

    /// <summary>Reads a status line and its headers, up to the blank line.</summary>
    public Task<string> ReadHeadAsync() => ReadToBlankLineAsync().InTimeAsync("The head of an answer comes.");

    /// <summary>Reads exactly this number of bytes.</summary>
    public async Task<string> ReadTextAsync(int count)
    {
        byte[] bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes, World.Ct).AsTask().InTimeAsync($"{count} bytes come.");
        return Encoding.Latin1.GetString(bytes);
    }

    /// <summary>Reads until the connection is closed or reset.</summary>
    public async Task<string> ReadToEndAsync()
    {
        using MemoryStream all = new();
        try
        {
            await _stream.CopyToAsync(all, World.Ct).InTimeAsync("The other side closes the connection.", () => Encoding.Latin1.GetString(all.ToArray()));
        }
        catch (IOException)
        {
            // The bytes before the reset are returned.
        }

        return Encoding.Latin1.GetString(all.ToArray());
    }

    /// <summary>Closes the connection with a TCP reset.</summary>
    public void BreakOff()
    {
        _connection.LingerState = new LingerOption(enable: true, seconds: 0);
        _connection.Dispose();
    }

    public void Dispose() => _connection.Dispose();

    private async Task<string> ReadToBlankLineAsync()
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await _stream.ReadAsync(one, World.Ct) == 1)
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    /// <summary>The status codes of all responses in a text, in order.</summary>
    public static IReadOnlyList<int> Statuses(string text) =>
        [.. text.Split("\r\n").Where(line => line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
            .Select(line => int.Parse(line.AsSpan(9, 3), CultureInfo.InvariantCulture))];
}
