using System.Buffers.Binary;
using CsCheck;
using Gateway.Tests.Kit;
using Gateway.WebSockets;

namespace Gateway.Tests.WebSockets;

/// <summary>Where a WebSocket frame ends and a close frame may be inserted, however the bytes are split.</summary>
public sealed class WebSocketFramesTests
{
    private static readonly Gen<byte[]> Frame =
        Gen.Select(Gen.OneOf(Gen.Int[0, 130], Gen.Int[65_530, 65_540]), Gen.Bool, Gen.Int[0, 2], Gen.Byte).Select(Make);

    /// <summary>Frames one after another, and the pieces that they come in.</summary>
    private static readonly Gen<(byte[][] Frames, int[] Cuts)> Streams = Gen.Select(
        Frame.Array[1, 5],
        Gen.OneOf(Gen.Int[1, 3], Gen.Int[1, 70_000]).Array[1, 20]);

    [Fact]
    public void The_frame_parser_finds_the_end_of_each_WebSocket_frame() => Streams.Sample((frames, cuts) =>
    {
        WebSocketFrames follower = new();
        List<int> boundaries = [];
        int position = 0;
        foreach (byte[] piece in Cut([.. frames.SelectMany(frame => frame)], cuts))
        {
            for (int taken = 0; taken < piece.Length;)
            {
                int part = follower.Advance(piece.AsSpan(taken));
                Assert.InRange(part, 1, piece.Length - taken);
                taken += part;
                position += part;
                if (follower.IsAtFrameBoundary)
                {
                    boundaries.Add(position);
                }
            }
        }

        Assert.Equal(frames.Select((_, index) => frames.Take(index + 1).Sum(frame => frame.Length)), boundaries);
        Assert.True(follower.IsAtFrameBoundary);
    });

    [Fact]
    public async Task A_close_frame_is_inserted_only_between_whole_frames_and_nothing_follows_it() => await Gen.Select(Streams, Gen.Int[0, 100])
        .SampleAsync(async (stream, closeAfter) =>
            {
                byte[] all = [.. stream.Frames.SelectMany(frame => frame)];
                using MemoryStream browser = new();
                await using SocketStream socket = new(browser, TimeProvider.System, () => { }, _ => { });
                int pieces = 0;
                int sent = 0;
                int written = 0;
                foreach (byte[] piece in Cut(all, stream.Cuts))
                {
                    if (pieces++ == closeAfter)
                    {
                        written = sent;
                        await socket.CloseAsync(1008);
                    }

                    await socket.WriteAsync(piece, World.Ct);
                    sent += piece.Length;
                }

                bool closed = pieces > closeAfter;
                int end = closed ? EndOfFrame(stream.Frames, written) : all.Length;
                Assert.Equal(closed ? [.. all[..end], 0x88, 2, 0x03, 0xF0] : all, browser.ToArray());
            });

    [Fact]
    public async Task Pings_are_no_messages()
    {
        using MemoryStream browser = new();
        int messages = 0;
        await using SocketStream socket = new(browser, TimeProvider.System, () => messages++, _ => { });

        await socket.WriteAsync(new byte[] { 0x89, 1, 65 }, World.Ct);
        await socket.WriteAsync(new byte[] { 0x8A, 0 }, World.Ct);
        Assert.Equal(0, messages);

        // A text, a ping with a text behind it, and a text in two parts of which the second looks like a pong.
        await socket.WriteAsync(new byte[] { 0x81, 1, 65 }, World.Ct);
        await socket.WriteAsync(new byte[] { 0x89, 0, 0x81, 1, 65 }, World.Ct);
        Assert.Equal(2, messages);
        await socket.WriteAsync(new byte[] { 0x81, 2 }, World.Ct);
        await socket.WriteAsync(new byte[] { 0x8A, 0 }, World.Ct);
        Assert.Equal(4, messages);
    }

    [Fact]
    public async Task Closing_a_WebSocket_twice_sends_one_close_frame_with_the_first_reason()
    {
        using MemoryStream browser = new();
        await using SocketStream socket = new(browser, TimeProvider.System, () => { }, _ => { });

        await socket.CloseAsync(1008);
        await socket.CloseAsync(1001);
        await socket.WriteAsync(new byte[] { 0x81, 1, 65 }, World.Ct);

        Assert.Equal([0x88, 2, 0x03, 0xF0], browser.ToArray());
    }

    [Fact]
    public async Task Closing_a_WebSocket_after_its_end_does_nothing()
    {
        using MemoryStream browser = new();
        int disposed = 0;
        SocketStream socket = new(browser, TimeProvider.System, () => { }, _ => disposed++);
        await socket.DisposeAsync();
        await socket.DisposeAsync();

        await socket.CloseAsync(1001);

        Assert.Equal(1, disposed);
    }

    /// <summary>The first end of a frame at or after a position; a close may stand at the very beginning, too.</summary>
    private static int EndOfFrame(byte[][] frames, int position)
    {
        int end = 0;
        for (int i = 0; end < position; i++)
        {
            end += frames[i].Length;
        }

        return end;
    }

    private static byte[] Make(int length, bool masked, int size, byte first)
    {
        // The shortest form of the length, or a longer one than is needed: it is the bytes that count.
        int shortest = length switch { < 126 => 0, < 65_536 => 1, _ => 2 };
        int form = Math.Max(size, shortest);
        byte[] lengthBytes = form switch { 1 => new byte[2], 2 => new byte[8], _ => [] };
        if (form == 1)
        {
            BinaryPrimitives.WriteUInt16BigEndian(lengthBytes, (ushort)length);
        }
        else if (form == 2)
        {
            BinaryPrimitives.WriteUInt64BigEndian(lengthBytes, (ulong)length);
        }

        int seven = form switch { 1 => 126, 2 => 127, _ => length };
        return [first, (byte)(seven | (masked ? 0x80 : 0)), .. lengthBytes, .. masked ? new byte[4] : [], .. new byte[length]];
    }

    private static IEnumerable<byte[]> Cut(byte[] bytes, int[] sizes)
    {
        int start = 0;
        for (int i = 0; start < bytes.Length; i++)
        {
            // The last size takes the rest, so that a stream of one-byte pieces does not take for ever.
            int size = i < sizes.Length ? Math.Min(sizes[i], bytes.Length - start) : bytes.Length - start;
            yield return bytes[start..(start + size)];
            start += size;
        }
    }
}
