using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>A frame of HTTP/2 (RFC 9113, section 4.1).</summary>
internal sealed record Http2Frame(byte Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;

    public const byte EndStream = 1, Ack = 1, EndHeaders = 4;

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[9 + Payload.Length];
        bytes[0] = (byte)(Payload.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(1), (ushort)Payload.Length);
        bytes[3] = Type;
        bytes[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(5), Stream);
        Payload.CopyTo(bytes, 9);
        return bytes;
    }
}

/// <summary>A connection of HTTP/2 over TLS on which every frame is the test's own.</summary>
internal sealed class Http2Connection : IDisposable
{
    private readonly TcpClient _connection;
    private readonly SslStream _stream;

    private Http2Connection(TcpClient connection, SslStream stream)
    {
        _connection = connection;
        _stream = stream;
    }

    public static async Task<Http2Connection> OpenAsync(int port)
    {
        TcpClient connection = new() { NoDelay = true };
        await connection.ConnectAsync("127.0.0.1", port, World.Ct);
        SslStream stream = new(connection.GetStream(), leaveInnerStreamOpen: false, (_, given, _, _) => given?.Subject == "CN=localhost");
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2] },
            World.Ct);
        Assert.Equal(SslApplicationProtocol.Http2, stream.NegotiatedApplicationProtocol);
        Http2Connection http2 = new(connection, stream);
        await http2.WriteAsync(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));

        // No dynamic table: the status of an answer is then a byte or a short text.
        await http2.SendAsync(new Http2Frame(Http2Frame.Settings, 0, 0, [0, 1, 0, 0, 0, 0]));
        return http2;
    }

    /// <returns>False where the gateway has closed the connection.</returns>
    public Task<bool> SendAsync(params IEnumerable<Http2Frame> frames) => WriteAsync([.. frames.SelectMany(frame => frame.ToBytes())]);

    /// <summary>A header block of literals that are never indexed, without Huffman codes (RFC 7541, section 6.2.3).</summary>
    public static byte[] Block(params IEnumerable<(string Name, string Value)> headers)
    {
        List<byte> block = [];
        foreach ((string name, string value) in headers)
        {
            block.Add(0x10);
            Append(block, name);
            Append(block, value);
        }

        return [.. block];
    }

    public static IEnumerable<(string Name, string Value)> Get(string path, string authority) =>
        [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", path)];

    /// <summary>What the connection still says, to its end or to the answer on a stream.</summary>
    /// <returns>The status on that stream; 0 where it was reset, -1 where the connection ended.</returns>
    public async Task<int> StatusAsync(int stream)
    {
        while (await ReadAsync() is { } frame)
        {
            if (frame.Stream == stream && frame.Type == Http2Frame.Reset)
            {
                return 0;
            }

            if (frame.Stream == stream && frame.Type == Http2Frame.Headers)
            {
                return Status(frame.Payload);
            }

            if (frame is { Type: Http2Frame.Settings, Flags: 0 })
            {
                await SendAsync(new Http2Frame(Http2Frame.Settings, Http2Frame.Ack, 0, []));
            }
        }

        return -1;
    }

    /// <summary>Null at the end of the connection.</summary>
    public Task<Http2Frame?> ReadAsync() => ReadFrameAsync().InTimeAsync("A frame comes, or the connection ends.");

    public void Dispose()
    {
        _stream.Dispose();
        _connection.Dispose();
    }

    private async Task<Http2Frame?> ReadFrameAsync()
    {
        byte[] head = new byte[9];
        try
        {
            if (await _stream.ReadAtLeastAsync(head, 9, throwOnEndOfStream: false, World.Ct) < 9)
            {
                return null;
            }

            byte[] payload = new byte[(head[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(1))];
            await _stream.ReadExactlyAsync(payload, World.Ct);
            return new Http2Frame(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue, payload);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private async Task<bool> WriteAsync(byte[] bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes, World.Ct).AsTask().InTimeAsync("The gateway takes the frames.");
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static void Append(List<byte> block, string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        int rest = bytes.Length;
        if (rest < 127)
        {
            block.Add((byte)rest);
        }
        else
        {
            block.Add(127);
            for (rest -= 127; rest >= 128; rest /= 128)
            {
                block.Add((byte)((rest % 128) | 128));
            }

            block.Add((byte)rest);
        }

        block.AddRange(bytes);
    }

    /// <summary>`:status` comes first: indexed, or a literal whose name is (RFC 7541, appendix A, 8 to 14).</summary>
    private static int Status(byte[] block)
    {
        int at = 0;
        while ((block[at] & 0xE0) == 0x20)
        {
            at++;
        }

        int[] indexed = [200, 204, 206, 304, 400, 404, 500];
        return (block[at] & 0x80) != 0
            ? indexed[(block[at] & 0x7F) - 8]
            : int.Parse(Encoding.ASCII.GetString(block, at + 2, 3), System.Globalization.CultureInfo.InvariantCulture);
    }
}
