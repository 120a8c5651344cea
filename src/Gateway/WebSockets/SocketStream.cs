using System.Buffers.Binary;

namespace Gateway.WebSockets;

/// <summary>
/// The browser's side of a forwarded WebSocket. Bytes pass unchanged. When the gateway closes the WebSocket, it sends a close frame at the
/// next frame boundary and waits for the browser's close frame.
/// </summary>
/// <param name="onMessage">Called before bytes go to the browser, except for pings.</param>
internal sealed class SocketStream(Stream inner, TimeProvider time, Action onMessage, Action<SocketStream> onDisposed) : Stream
{
    /// <summary>The time for the browser's close frame.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly CancellationTokenSource _closing = new(Timeout.InfiniteTimeSpan, time);
    private readonly WebSocketFrames _frames = new();
    private ushort? _closeStatus;
    private bool _isClosed;
    private int _isDisposed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Closes the WebSocket with a status code of RFC 6455, section 7.4; returns when the close frame is sent or has failed.</summary>
    public async Task CloseAsync(ushort status)
    {
        try
        {
            // The timeout covers a browser that reads nothing and a browser that does not answer.
            _closing.CancelAfter(CloseTimeout);
            await _writing.WaitAsync(_closing.Token);
            try
            {
                _closeStatus ??= status;

                // Within a frame, the writer sends the close frame after that frame.
                if (_frames.IsAtFrameBoundary)
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
            // The connection has ended already.
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            return await inner.ReadAsync(buffer, linked.Token);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // After an end of the stream, the forwarder would still wait for Paperless to close.
            throw new IOException("The gateway closed the WebSocket.");
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        await _writing.WaitAsync(cancellationToken);
        if (!IsPing(buffer.Span))
        {
            onMessage();
        }

        try
        {
            for (int start = 0; start < buffer.Length && !_isClosed;)
            {
                int part = _closeStatus is null ? AdvanceAll(buffer.Span[start..]) : _frames.Advance(buffer.Span[start..]);
                await inner.WriteAsync(buffer.Slice(start, part), linked.Token);
                start += part;
                if (_closeStatus is not null && _frames.IsAtFrameBoundary)
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
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            onDisposed(this);
            inner.Dispose();
            _closing.Dispose();
            _writing.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Whether the bytes are one whole ping or pong (RFC 6455, section 5.5), which servers send all the time to keep the connection.</summary>
    private bool IsPing(ReadOnlySpan<byte> bytes) =>
        _frames.IsAtFrameBoundary && bytes.Length >= 2 && bytes[0] is (0x89 or 0x8A) && bytes.Length == 2 + bytes[1];

    private int AdvanceAll(ReadOnlySpan<byte> bytes)
    {
        for (int taken = 0; taken < bytes.Length;)
        {
            taken += _frames.Advance(bytes[taken..]);
        }

        return bytes.Length;
    }

    private async Task SendCloseAsync()
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        byte[] frame = [0x88, 0x02, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), _closeStatus!.Value);
        await inner.WriteAsync(frame, _closing.Token);
        await inner.FlushAsync(_closing.Token);
    }
}
