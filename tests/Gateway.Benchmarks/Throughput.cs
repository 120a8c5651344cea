namespace Gateway.Benchmarks;

/// <summary>
/// Requests a second with a session through the gateway, against plain YARP and others in front of the same nginx: alternating in one run.
/// Then all of them once more at the same moderate load, for the time that a request takes there.
/// </summary>
internal static class Throughput
{
    private const int Seconds = 5;
    private const int WarmUpSeconds = 8;
    private const int Connections = 64;

    /// <summary>The part of what plain YARP can do that is offered to all as a moderate load.</summary>
    private const double Moderate = 0.2;

    /// <summary>Each connection waits for a random time between answer and next request, up to twice the mean.</summary>
    private const string Pauses = """
        local most
        function init(arguments) most = tonumber(arguments[1]) end
        function delay() return math.random(0, most) end
        """;

    public static readonly DebianProgram[] Needs = [DebianProgram.Nginx, DebianProgram.Wrk];

    public static readonly DebianProgram[] NeedsForAll =
    [
        .. Needs, DebianProgram.Redis, DebianProgram.Apache, DebianProgram.OpenIdConnectForApache, DebianProgram.HAProxy, DebianProgram.Caddy,
    ];

    /// <param name="whole">False: the gateway and plain YARP alone, printed and not written to the page.</param>
    public static async Task MeasureAsync(Workbench bench, int rounds, bool whole)
    {
        Lineup lineup = await Lineup.StartAsync(bench, whole);
        await Task.Delay(TimeSpan.FromSeconds(3), bench.Cancel);
        double[] idle = [.. lineup.All.Select(variant => variant.Process.MemoryMiB)];
        await RoundAsync("warm-up", [.. lineup.All.Select(variant => variant.Afresh())], WarmUpSeconds, script: null, bench.Cancel);
        for (int round = 1; round <= rounds; round++)
        {
            await RoundAsync($"round {round} of {rounds}", lineup.All, Seconds, script: null, bench.Cancel);
        }

        double[] loaded = [.. lineup.All.Select(variant => variant.Process.MemoryMiB)];
        int most = (int)Math.Round(2 * 1000 * Connections / (Moderate * lineup.Plain.Rate));
        WrkScript pauses = new(bench.File("pauses.lua", Pauses), $"{most}");
        Variant[] calm = [.. lineup.All.Select(variant => variant.Afresh())];
        for (int round = 1; round <= rounds; round++)
        {
            await RoundAsync($"moderate load, round {round} of {rounds}", calm, Seconds, pauses, bench.Cancel);
        }

        Action<string, string> write = whole ? PerformancePage.Write : (_, markdown) => Console.WriteLine(markdown);
        write("throughput", Requests(lineup, rounds));
        write("latency", Latency(calm, lineup.Plain, rounds));
        write("memory", Memory(lineup, idle, loaded));
    }

    private static async Task RoundAsync(string name, IReadOnlyList<Variant> variants, int seconds, WrkScript? script, CancellationToken cancel)
    {
        foreach (Variant variant in variants)
        {
            await variant.MeasureAsync(seconds, Connections, script, cancel);
        }

        await Console.Error.WriteLineAsync($"{name}: {string.Join("  ", variants.Select(variant => $"{variant.Rates[^1]:0}"))}");
    }

    private static string Requests(Lineup lineup, int rounds)
    {
        MarkdownTable table = new(
            "",
            "requests per CPU second",
            "of plain YARP's",
            "requests/s, median",
            "lowest to highest",
            "plain YARP = 1",
            "nginx as a proxy = 1");
        foreach (Variant variant in lineup.All)
        {
            FormattableString againstNginx = lineup.Proxy is null ? (FormattableString)$"" : $"{variant.RateAgainst(lineup.Proxy):0.00}";
            table.Row(
                $"{variant.Name}",
                $"{variant.RequestsPerCpuSecond:0}",
                $"{1 / variant.CpuAgainst(lineup.Plain):0.00}",
                $"{variant.Rate:0}",
                $"{variant.Rates.Min():0} to {variant.Rates.Max():0}",
                $"{variant.RateAgainst(lineup.Plain):0.00}",
                againstNginx);
        }

        return $"{table}\n{rounds} rounds of {Seconds} s, {Connections} keep-alive connections, answers of 1 KiB; {Machine.Sentence}";
    }

    private static string Latency(Variant[] calm, Variant plainAtFullLoad, int rounds)
    {
        MarkdownTable table = new(
            "",
            "requests/s reached",
            "p50 ms",
            "p99 ms",
            "p99, plain YARP = 1",
            "CPU seconds for 10,000 requests",
            "CPU, plain YARP = 1");
        foreach (Variant variant in calm)
        {
            table.Row(
                $"{variant.Name}",
                $"{variant.Rate:0}",
                $"{variant.P50:0.00}",
                $"{variant.P99:0.00}",
                $"{variant.P99Against(calm[0]):0.00}",
                $"{variant.Cpu:0.00}",
                $"{variant.CpuAgainst(calm[0]):0.00}");
        }

        return $"{table}\n{rounds} rounds of {Seconds} s; {Connections} connections with random pauses, the same for all: "
            + $"{calm[0].Rate / plainAtFullLoad.Rate:0%} of what plain YARP can do; {Machine.Sentence}";
    }

    private static string Memory(Lineup lineup, double[] idle, double[] loaded)
    {
        MarkdownTable table = new("", "idle, MiB", "after all rounds, MiB");
        foreach ((Variant variant, int index) in lineup.All.Select((variant, index) => (variant, index)).DistinctBy(pair => pair.variant.Process))
        {
            table.Row($"{variant.Name}", $"{idle[index]:0}", $"{loaded[index]:0}");
        }

        return $"{table}\n{Machine.Sentence}";
    }
}
