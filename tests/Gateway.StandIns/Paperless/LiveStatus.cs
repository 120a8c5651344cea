using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;

namespace Gateway.StandIns.Paperless;

/// <summary>The open WebSockets of <c>/ws/status/</c> and event streams; an ended session closes none of them.</summary>
internal sealed class LiveStatus(CancellationToken stopping)
{
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly HashSet<Channel<string>> _listeners = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Listeners
    {
        get
        {
            lock (_lock)
            {
                return _listeners.Count;
            }
        }
    }

    /// <summary>Sends a message to all that listen.</summary>
    public void Push(string message)
    {
        lock (_lock)
        {
            foreach (Channel<string> listener in _listeners)
            {
                listener.Writer.TryWrite(message);
            }
        }
    }

    /// <summary>Ends every socket and stream from Paperless's side.</summary>
    public void CloseAll()
    {
        lock (_lock)
        {
            foreach (Channel<string> listener in _listeners)
            {
                listener.Writer.TryComplete();
            }
        }
    }

    /// <summary>Waits until exactly so many listen.</summary>
    /// <exception cref="TimeoutException">They were never so many within a minute.</exception>
    public async Task ListenersAreAsync(int count, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(WaitTimeout);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_listeners.Count == count)
                {
                    return;
                }

                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                throw new TimeoutException($"{Listeners} listen to the live status, not {count}.");
            }
        }
    }

    /// <summary>Delivers what is pushed, and gives back each text that it is sent.</summary>
    public async Task ServeAsync(WebSocket socket)
    {
        Channel<string> outbox = Listen();
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            Task receiving = ReceiveAsync(socket, outbox, ended.Token);
            await foreach (string message in outbox.Reader.ReadAllAsync(ended.Token))
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, ended.Token);
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ended.Token);
            await receiving;
        }
        catch (WebSocketException)
        {
            // The other side is gone.
        }
        finally
        {
            await ended.CancelAsync();
            Forget(outbox);
        }
    }

    public async IAsyncEnumerable<string> ReadAllAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        Channel<string> outbox = Listen();
        try
        {
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping);
            await foreach (string message in outbox.Reader.ReadAllAsync(either.Token))
            {
                yield return message;
            }
        }
        finally
        {
            Forget(outbox);
        }
    }

    private static async Task ReceiveAsync(WebSocket socket, Channel<string> outbox, CancellationToken ct)
    {
        MemoryStream text = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, ct) is { MessageType: not WebSocketMessageType.Close } part)
            {
                text.Write(buffer, 0, part.Count);
                if (part.EndOfMessage)
                {
                    if (part.MessageType == WebSocketMessageType.Text)
                    {
                        outbox.Writer.TryWrite(Encoding.UTF8.GetString(text.ToArray()));
                    }

                    text.SetLength(0);
                }
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException)
        {
            // Completing the outbox below ends the sending half, too.
        }
        finally
        {
            outbox.Writer.TryComplete();
        }
    }

    private Channel<string> Listen()
    {
        Channel<string> outbox = Channel.CreateUnbounded<string>();
        Change(() => _listeners.Add(outbox));
        return outbox;
    }

    private void Forget(Channel<string> outbox) => Change(() => _listeners.Remove(outbox));

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }
}
