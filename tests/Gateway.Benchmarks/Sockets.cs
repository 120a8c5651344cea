using System.Diagnostics;
using System.Net.WebSockets;
using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>1,000 idle WebSockets through the gateway and through plain YARP, as Paperless's pages keep one open each.</summary>
internal static class Sockets
{
    private const int Count = 1000;
    private const int WarmUp = 50;

    /// <summary>How many are being opened at one time.</summary>
    private const int AtOnce = 32;

    public static async Task MeasureAsync(Workbench bench, int rounds)
    {
        DevelopmentProvider provider = await Provider.StartAsync(bench);
        Uri upstream = await KestrelUpstream.StartAsync(bench);
        List<Opened> yarps = [];
        List<Opened> gateways = [];
        for (int round = 1; round <= rounds; round++)
        {
            (Child yarp, Uri address) = PlainYarp.Start(bench, upstream);
            yarps.Add(await OpenAsync(yarp, address, "", bench.Cancel));
            yarp.Dispose();
            GatewayProgram program = new(bench, $"sockets-{round}", upstream, provider);
            string cookie = (await StoredSessions.AddAsync(program, 1))[0];
            Child gateway = program.Start();
            gateways.Add(await OpenAsync(gateway, program.Address, cookie, bench.Cancel));
            gateway.Dispose();
            await Console.Error.WriteLineAsync($"round {round} of {rounds}: {yarps[^1]}  {gateways[^1]}");
        }

        MarkdownTable table = new("", "KiB for each WebSocket", $"seconds to open {Count:N0}", "memory before, MiB", "memory with them, MiB");
        foreach ((string name, List<Opened> found) in new[] { ("plain YARP", yarps), ("gateway, on a session", gateways) })
        {
            table.Row(
                $"{name}",
                $"{Median.Of(found.Select(one => one.KiBEach)):0.0}",
                $"{Median.Of(found.Select(one => one.Seconds)):0.00}",
                $"{Median.Of(found.Select(one => one.Before)):0}",
                $"{Median.Of(found.Select(one => one.With)):0}");
        }

        PerformancePage.Write("sockets", $"{table}\n{rounds} rounds, each with fresh processes, medians; {Machine.Sentence}");
    }

    private static async Task<Opened> OpenAsync(Child server, Uri address, string cookie, CancellationToken cancel)
    {
        await server.WaitForAsync(address, cancel);
        await using (await Many.OpenAsync(address, cookie, WarmUp, cancel))
        {
        }

        await Task.Delay(TimeSpan.FromSeconds(2), cancel);
        double before = server.MemoryMiB;
        long start = Stopwatch.GetTimestamp();
        await using Many many = await Many.OpenAsync(address, cookie, Count, cancel);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await Task.Delay(TimeSpan.FromSeconds(3), cancel);
        double with = server.MemoryMiB;
        await many.CheckAsync(cancel);
        return new Opened(before, with, seconds);
    }

    private sealed record Opened(double Before, double With, double Seconds)
    {
        public double KiBEach => (With - Before) * 1024 / Count;
    }

    /// <summary>Open WebSockets of this process.</summary>
    private sealed class Many : IAsyncDisposable
    {
        private readonly ClientWebSocket[] _sockets;

        private Many(int count) => _sockets = [.. Enumerable.Range(0, count).Select(_ => new ClientWebSocket())];

        public static async Task<Many> OpenAsync(Uri address, string cookie, int count, CancellationToken cancel)
        {
            Many many = new(count);
            Uri target = new UriBuilder(new Uri(address, KestrelUpstream.SocketPath)) { Scheme = "ws" }.Uri;
            string origin = address.GetLeftPart(UriPartial.Authority);
            await Parallel.ForEachAsync(many._sockets, new ParallelOptions
            {
                MaxDegreeOfParallelism = AtOnce,
                CancellationToken = cancel
            }, async (socket, stop) =>
            {
                socket.Options.KeepAliveInterval = TimeSpan.Zero;
                socket.Options.SetRequestHeader("Cookie", cookie);
                socket.Options.SetRequestHeader("Origin", origin);
                await socket.ConnectAsync(target, stop);
            });
            return many;
        }

        /// <summary>Every one of them still carries a message there and back.</summary>
        public async Task CheckAsync(CancellationToken cancel)
        {
            byte[] answer = new byte[16];
            foreach (ClientWebSocket socket in _sockets)
            {
                await socket.SendAsync("still there?"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, cancel);
                ValueWebSocketReceiveResult received = await socket.ReceiveAsync(answer.AsMemory(), cancel);
                if (!answer.AsSpan(0, received.Count).SequenceEqual("still there?"u8))
                {
                    throw new InvalidOperationException("A WebSocket did not carry its message.");
                }
            }
        }

        public async ValueTask DisposeAsync() => await Parallel.ForEachAsync(_sockets, async (socket, stop) =>
        {
            using (socket)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, stop);
            }
        });
    }
}
