using System.Buffers.Binary;

namespace Gateway.WebSockets;

/// <summary>Finds the frame boundaries in the byte stream of a WebSocket (RFC 6455, section 5.2).</summary>
internal sealed class WebSocketFrames
{
    private const int MaxHeaderLength = 14;

    private readonly byte[] _header = new byte[MaxHeaderLength];
    private int _headerLength;
    private ulong _payloadLeft;

    /// <summary>Whether the stream stands between two frames.</summary>
    public bool IsAtFrameBoundary => _headerLength == 0 && _payloadLeft == 0;

    /// <summary>Advances to the next boundary or to the end of <paramref name="bytes"/>.</summary>
    /// <returns>The number of bytes advanced.</returns>
    public int Advance(ReadOnlySpan<byte> bytes)
    {
        int taken = 0;
        while (taken < bytes.Length)
        {
            if (_payloadLeft > 0)
            {
                int part = (int)Math.Min(_payloadLeft, (ulong)(bytes.Length - taken));
                _payloadLeft -= (ulong)part;
                taken += part;
            }
            else
            {
                _header[_headerLength++] = bytes[taken++];
                if (_headerLength == HeaderSize())
                {
                    _payloadLeft = PayloadLength();
                    _headerLength = 0;
                }
            }

            if (IsAtFrameBoundary)
            {
                break;
            }
        }

        return taken;
    }

    private int HeaderSize() => _headerLength < 2 ? 2 : 2 + (_header[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 } + ((_header[1] & 0x80) != 0 ? 4 : 0);

    private ulong PayloadLength() => (_header[1] & 0x7F) switch
    {
        126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
        127 => BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2)),
        int length => (ulong)length,
    };
}
