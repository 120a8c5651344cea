using System.Diagnostics;
using System.Globalization;
using System.Net;
using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>Big bodies through the gateway and through plain YARP: 10 MiB down many times, 1 GiB up; and what memory that takes.</summary>
internal static class Transfers
{
    private const int Seconds = 5;
    private const int Connections = 4;
    private const int UploadMiB = 1024;

    public static readonly DebianProgram[] Needs = [DebianProgram.Nginx, DebianProgram.Wrk];

    public static async Task MeasureAsync(Workbench bench, int rounds)
    {
        DevelopmentProvider provider = await Provider.StartAsync(bench);
        (_, Uri files) = await Nginx.StartUpstreamAsync(bench);
        Uri sink = await KestrelUpstream.StartAsync(bench);
        Side[] down = await StartAsync(bench, "down", files, provider);
        Side[] up = await StartAsync(bench, "up", sink, provider);
        foreach (Side side in (Side[])[.. down, .. up])
        {
            // Compiled and warm, as a gateway is that has served pages for a while.
            await Wrk.RunAsync(new Uri(side.Address, "api/documents/"), side.Cookie, Seconds, 16, cancel: bench.Cancel);
            side.Begin();
        }

        for (int round = 1; round <= rounds; round++)
        {
            foreach (Side side in down)
            {
                Load load = await Wrk.RunAsync(new Uri(side.Address, Nginx.BigFile), side.Cookie, Seconds, Connections, cancel: bench.Cancel);
                side.Figures.Add(load.RequestsPerSecond * Nginx.BigFileMiB);
            }

            foreach (Side side in up)
            {
                side.Figures.Add(await UploadAsync(side, bench.Cancel));
            }

            await Console.Error.WriteLineAsync($"round {round} of {rounds}: {string.Join("  ", down.Select(side => $"{side.Figures[^1]:0} MiB/s"))}  "
                + $"{string.Join("  ", up.Select(side => $"{side.Figures[^1]:0.0} s"))}");
        }

        PerformancePage.Write("transfers", Report(down, up, rounds));
    }

    private static async Task<Side[]> StartAsync(Workbench bench, string name, Uri upstream, DevelopmentProvider provider)
    {
        GatewayProgram program = new(bench, name, upstream, provider);
        string cookie = (await StoredSessions.AddAsync(program, 1))[0];
        Child gateway = program.Start();
        (Child yarp, Uri address) = PlainYarp.Start(bench, upstream);
        await gateway.WaitForAsync(program.Address, bench.Cancel);
        await yarp.WaitForAsync(address, bench.Cancel);
        return [new Side("plain YARP", address, cookie, yarp), new Side("gateway, with a session", program.Address, cookie, gateway)];
    }

    private static async Task<double> UploadAsync(Side side, CancellationToken cancel)
    {
        using HttpClient client = new(new SocketsHttpHandler { UseCookies = false }) { Timeout = TimeSpan.FromMinutes(5) };
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri(side.Address, KestrelUpstream.UploadPath)) { Content = new Zeros() };
        request.Headers.Add("Cookie", side.Cookie);
        request.Headers.Add("Origin", side.Address.GetLeftPart(UriPartial.Authority));
        long start = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await client.SendAsync(request, cancel);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        string taken = await response.Content.ReadAsStringAsync(cancel);
        return taken == (UploadMiB * 1024L * 1024).ToString(CultureInfo.InvariantCulture)
            ? seconds
            : throw new InvalidOperationException($"{side.Name} answers the upload with {(int)response.StatusCode}: {taken}");
    }

    private static string Report(Side[] down, Side[] up, int rounds)
    {
        MarkdownTable table = new("", "plain YARP", "gateway, with a session", "plain YARP = 1");
        table.Row(
            $"10 MiB down, {Connections} at a time, MiB/s",
            $"{Median.Of(down[0].Figures):0}",
            $"{Median.Of(down[1].Figures):0}",
            $"{Median.OfRatios(down[1].Figures, down[0].Figures):0.00}");
        table.Row(
            $"1 GiB up, seconds",
            $"{Median.Of(up[0].Figures):0.0}",
            $"{Median.Of(up[1].Figures):0.0}",
            $"{Median.OfRatios(up[1].Figures, up[0].Figures):0.00}");
        table.Row($"memory before the downloads, MiB", $"{down[0].Before:0}", $"{down[1].Before:0}", $"");
        table.Row($"growth to the peak while downloading, MiB", $"{down[0].Growth:0.0}", $"{down[1].Growth:0.0}", $"");
        table.Row($"memory before the uploads, MiB", $"{up[0].Before:0}", $"{up[1].Before:0}", $"");
        table.Row($"growth to the peak while uploading, MiB", $"{up[0].Growth:0.0}", $"{up[1].Growth:0.0}", $"");
        return $"{table}\n{rounds} rounds, medians; {Machine.Sentence}";
    }

    /// <summary>One proxy and what came of its rounds.</summary>
    private sealed record Side(string Name, Uri Address, string Cookie, Child Process)
    {
        public List<double> Figures { get; } = [];

        public double Before { get; private set; }

        public double Growth => Process.PeakMiB - Before;

        public void Begin()
        {
            Before = Process.MemoryMiB;
            Process.ForgetPeak();
        }
    }

    /// <summary>A body of a known length that costs nothing to make.</summary>
    private sealed class Zeros : HttpContent
    {
        private static readonly byte[] Chunk = new byte[1024 * 1024];

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
            => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            for (int sent = 0; sent < UploadMiB; sent++)
            {
                await stream.WriteAsync(Chunk, cancellationToken);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = UploadMiB * (long)Chunk.Length;
            return true;
        }
    }
}
