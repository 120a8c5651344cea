using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Gateway.Benchmarks;

/// <summary>
/// The line between a browser and a server: 40 ms there and back and 20 Mbit/s each way, shared by all connections; a connection takes a
/// round trip to open. In place of the browser's own throttle, which knows no handshakes, and which at times never hands on what it has
/// received over HTTP/2 (seen in Chromium 156: every answer was there by its net log, the page had none).
/// </summary>
internal sealed class Line : IAsyncDisposable
{
    private const int ChunkBytes = 1460;
    private const int WaitingChunks = 1024;

    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(40);
    private static readonly double TicksPerByte = Stopwatch.Frequency / (20_000_000.0 / 8);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Way _up = new();
    private readonly Way _down = new();
    private readonly int _target;
    private readonly Task _accepting;

    private Line(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <param name="port">Where the server listens, on loopback.</param>
    public static Line To(int port) => new(port);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(ConnectAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
                connections.RemoveAll(connection => connection.IsCompleted);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ConnectAsync(TcpClient browser)
    {
        long open = Stopwatch.GetTimestamp() + Ticks(RoundTrip);
        using TcpClient server = new() { NoDelay = true };
        using (browser)
        {
            browser.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
                await Task.WhenAll(
                    _up.CarryAsync(browser.Client, server.Client, open, _end.Token),
                    _down.CarryAsync(server.Client, browser.Client, open, _end.Token));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // One of the two went away: so does the other.
            }
        }
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>One way of the line: what comes in at one end, by whichever connection, waits for what came before it.</summary>
    private sealed class Way
    {
        private readonly Lock _lock = new();
        private long _freeAt;

        /// <param name="open">When the connection is there, as a timestamp of <see cref="Stopwatch"/>.</param>
        public async Task CarryAsync(Socket from, Socket to, long open, CancellationToken cancel)
        {
            Channel<(byte[] Bytes, long Due)> onTheWay = Channel.CreateBounded<(byte[], long)>(WaitingChunks);
            Task arriving = ArriveAsync(onTheWay.Reader, to, cancel);
            byte[] buffer = new byte[ChunkBytes];
            try
            {
                while (await from.ReceiveAsync(buffer, cancel) is > 0 and int read)
                {
                    await onTheWay.Writer.WriteAsync((buffer[..read], Due(read, open)), cancel);
                }
            }
            finally
            {
                onTheWay.Writer.Complete();
                await arriving;
            }
        }

        private static async Task ArriveAsync(ChannelReader<(byte[] Bytes, long Due)> onTheWay, Socket to, CancellationToken cancel)
        {
            await foreach ((byte[] bytes, long due) in onTheWay.ReadAllAsync(cancel))
            {
                TimeSpan early = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (early > TimeSpan.Zero)
                {
                    await Task.Delay(early, cancel);
                }

                for (int sent = 0; sent < bytes.Length;)
                {
                    sent += await to.SendAsync(bytes.AsMemory(sent), SocketFlags.None, cancel);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }

        private long Due(int bytes, long open)
        {
            lock (_lock)
            {
                _freeAt = Math.Max(_freeAt, Stopwatch.GetTimestamp()) + (long)(bytes * TicksPerByte);
                return Math.Max(_freeAt, open) + Ticks(RoundTrip / 2);
            }
        }
    }
}
