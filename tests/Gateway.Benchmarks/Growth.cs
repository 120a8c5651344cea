using Gateway.Benchmarks.Servers;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.StandIns.Provider;
using Microsoft.Extensions.Primitives;

namespace Gateway.Benchmarks;

/// <summary>The gateway as more and more sessions lie in its store, and as many of them are in use.</summary>
internal static class Growth
{
    private const int Seconds = 5;
    private const int WarmUpSeconds = 10;
    private const int Connections = 64;

    /// <summary>One request after another from another of the cookies that a file holds.</summary>
    private const string EveryCookie = """
        local requests = {}
        local turn = 0
        function init(arguments)
          for cookie in io.lines(arguments[1]) do
            wrk.headers["Cookie"] = cookie
            requests[#requests + 1] = wrk.format("GET", "/api/documents/")
          end
        end
        function request()
          turn = turn % #requests + 1
          return requests[turn]
        end
        """;

    public static readonly DebianProgram[] Needs = [DebianProgram.Nginx, DebianProgram.Wrk];

    public static async Task MeasureAsync(Workbench bench, int rounds)
    {
        DevelopmentProvider provider = await Provider.StartAsync(bench);
        (_, Uri upstream) = await Nginx.StartUpstreamAsync(bench);
        string script = bench.File("cookies.lua", EveryCookie);
        MarkdownTable table = new(
            "sessions stored",
            "of them in use",
            "requests/s, median",
            "lowest to highest",
            "CPU seconds for 10,000 requests",
            "memory with one in use, MiB",
            "memory with all those in use, MiB");
        double bytesEach = 0;
        foreach ((int stored, int hot) in new[] { (1, 1), (1000, 1000), (100_000, 10_000) })
        {
            GatewayProgram program = new(bench, $"growth-{stored}", upstream, provider);
            await Console.Error.WriteLineAsync($"{stored} sessions are put into the store");
            IReadOnlyList<string> cookies = await StoredSessions.AddAsync(program, stored);
            bytesEach = await HeapBytesAsync(program, [.. cookies.Take(hot)]);
            string first = bench.File($"cookies-1-{stored}", cookies[0] + "\n");
            string all = bench.File($"cookies-{hot}-{stored}", string.Join('\n', cookies.Take(hot)) + "\n");
            Child gateway = program.Start();
            await gateway.WaitForAsync(program.Address, bench.Cancel);
            Variant variant = new($"{stored}", new Uri(program.Address, "api/documents/"), cookies[0], gateway);
            await variant.Afresh().MeasureAsync(WarmUpSeconds, Connections, new WrkScript(script, first), bench.Cancel);
            double one = gateway.MemoryMiB;
            await variant.Afresh().MeasureAsync(WarmUpSeconds, Connections, new WrkScript(script, all), bench.Cancel);
            for (int round = 1; round <= rounds; round++)
            {
                await variant.MeasureAsync(Seconds, Connections, new WrkScript(script, all), bench.Cancel);
            }

            table.Row(
                $"{stored:N0}",
                $"{hot:N0}",
                $"{variant.Rate:0}",
                $"{variant.Rates.Min():0} to {variant.Rates.Max():0}",
                $"{variant.Cpu:0.00}",
                $"{one:0}",
                $"{gateway.MemoryMiB:0}");
            gateway.Dispose();
        }

        PerformancePage.Write("growth", $"{table}\nOne session in use takes {bytesEach:N0} bytes of the heap, the memory of its last `Cookie` header "
            + $"included (10,000 of them read from the store by the gateway's own classes, after a full collection). {rounds} rounds of {Seconds} s; "
            + $"{Machine.Sentence}");
    }

    /// <summary>What one session in use keeps alive, by this process's own heap.</summary>
    private static async Task<double> HeapBytesAsync(GatewayProgram program, IReadOnlyList<string> cookies)
    {
        await using WebApplication app = await StoredSessions.OpenAsync(program);
        SessionRegistry registry = app.Services.GetRequiredService<SessionRegistry>();
        SessionCookie cookie = app.Services.GetRequiredService<SessionCookie>();
        PaperlessCookies paperless = app.Services.GetRequiredService<PaperlessCookies>();
        await UseAsync(cookies[0]);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (string header in cookies)
        {
            await UseAsync(header);
        }

        long after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(registry);
        return (after - before) / (double)cookies.Count;

        async Task UseAsync(string header)
        {
            // Each request brings a header of its own, and the last one is kept.
            string received = string.Concat(header.AsSpan(), "");
            if (!cookie.TryRead(new StringValues(received), out SessionSecret secret)
                || await registry.LoadAsync(secret, program.Bench.Cancel) is not { } session)
            {
                throw new InvalidOperationException("A session that was stored is not found.");
            }

            paperless.ForPaperless(received, session);
        }
    }
}
