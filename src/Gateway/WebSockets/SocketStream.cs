using System.Buffers.Binary;

namespace Gateway.WebSockets;

/// <summary>
/// The browser's side of a forwarded WebSocket. Bytes pass as they are, until the gateway closes it: then a close frame goes out at the next
/// frame's boundary, and the browser has a moment to answer it.
/// </summary>
internal sealed class SocketStream(Stream inner, TimeProvider time, Action<SocketStream> disposed) : Stream
{
    /// <summary>How long the browser may take for its own close frame.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly CancellationTokenSource _over = new(Timeout.InfiniteTimeSpan, time);
    private readonly WebSocketFrames _frames = new();
    private ushort? _closeWith;
    private bool _closed;
    private int _disposed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Ends the connection with a status code of RFC 6455, section 7.4; returns when the close frame is out or could not be.</summary>
    public async Task CloseAsync(ushort status)
    {
        try
        {
            // From here on nothing is waited for longer: not for a browser that reads nothing, nor for one that does not answer.
            _over.CancelAfter(CloseTimeout);
            await _writing.WaitAsync(_over.Token);
            try
            {
                _closeWith ??= status;

                // In the middle of a frame: the writer sends it after that frame.
                if (_frames.AtBoundary)
                {
                    await SendCloseAsync();
                }
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Over already.
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _over.Token);
        try
        {
            return await inner.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // An end of the stream would leave the forwarder waiting for Paperless, which has no reason to end.
            throw new IOException("The WebSocket was closed here.");
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _over.Token);
        await _writing.WaitAsync(cancellationToken);
        try
        {
            for (int start = 0; start < buffer.Length && !_closed;)
            {
                int part = _closeWith is null ? AdvanceToEnd(buffer.Span[start..]) : _frames.Advance(buffer.Span[start..]);
                await inner.WriteAsync(buffer.Slice(start, part), either.Token);
                start += part;
                if (_closeWith is not null && _frames.AtBoundary)
                {
                    await SendCloseAsync();
                }
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            disposed(this);
            inner.Dispose();
            _over.Dispose();
            _writing.Dispose();
        }

        base.Dispose(disposing);
    }

    private int AdvanceToEnd(ReadOnlySpan<byte> bytes)
    {
        for (int taken = 0; taken < bytes.Length;)
        {
            taken += _frames.Advance(bytes[taken..]);
        }

        return bytes.Length;
    }

    private async Task SendCloseAsync()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        byte[] frame = [0x88, 0x02, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), _closeWith!.Value);
        await inner.WriteAsync(frame, _over.Token);
        await inner.FlushAsync(_over.Token);
    }
}
