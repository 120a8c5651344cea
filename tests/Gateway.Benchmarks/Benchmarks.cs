using System.Globalization;
using BenchmarkDotNet.Running;
using Gateway.Benchmarks.Servers;

namespace Gateway.Benchmarks;

/// <summary>Each word measures one thing and writes its place in `docs/performance.md`; options alone go to BenchmarkDotNet, for the parts.</summary>
internal static class Benchmarks
{
    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["whole", .. var rest]:
                return await WholeAsync(Rounds(rest, 7));
            case ["throughput", .. var rest] when rest.Contains("gateway"):
                return await Workbench.RunAsync(bench => Throughput.MeasureAsync(bench, Rounds(rest, 7), whole: false), Throughput.Needs);
            case ["throughput", .. var rest]:
                return await ThroughputAsync(Rounds(rest, 7));
            case ["parts", .. var rest]:
                return PartsCommand.Run(quick: rest.Contains("quick"));
            case ["transfers", .. var rest]:
                return await TransfersAsync(Rounds(rest, 5));
            case ["sockets", .. var rest]:
                return await SocketsAsync(Rounds(rest, 3));
            case ["start", .. var rest]:
                return await StartAsync(Rounds(rest, 7));
            case ["memory", .. var rest]:
                return await Workbench.RunAsync(bench => Memory.MeasureAsync(bench, Rounds(rest, 7), [.. rest.Skip(1)]), Memory.Needs);
            case ["growth", .. var rest]:
                return await GrowthAsync(Rounds(rest, 5));
            case ["soak", .. var rest]:
                return await Workbench.RunAsync(bench => Soak.MeasureAsync(bench, Minutes(rest, 60)), Soak.Needs);
            case ["replicas"]:
                return await Replicas.RunAsync();
            case ["rolling", .. var rest]:
                return await Workbench.RunAsync(bench => Rolling.MeasureAsync(bench, Rounds(rest, 5)), Rolling.Needs);
            case ["stores"]:
                return await Stores.RunAsync();
            case [KestrelUpstream.Word, var port]:
                await KestrelUpstream.ServeAsync(port);
                return 0;
            case [PlainYarp.Word, var port, var upstream]:
                await PlainYarp.ServeAsync(port, upstream);
                return 0;
            case ["page", .. var rest]:
                return await Workbench.RunAsync(bench => PageLoad.MeasureAsync(bench, Rounds(rest, 5)), PageLoad.Needs);
            default:
                BenchmarkSwitcher.FromAssembly(typeof(Benchmarks).Assembly).Run(args);
                return 0;
        }
    }

    /// <summary>One after another, as far as they come: each has written its place by then.</summary>
    private static async Task<int> WholeAsync(int rounds)
    {
        Func<Task<int>>[] all =
        [
            () => ThroughputAsync(rounds), () => Task.FromResult(PartsCommand.Run(quick: false)), () => TransfersAsync(rounds),
            () => SocketsAsync(Math.Min(rounds, 3)), () => StartAsync(rounds), () => GrowthAsync(rounds),
        ];
        foreach (Func<Task<int>> one in all)
        {
            if (await one() is not 0 and int failed)
            {
                return failed;
            }
        }

        return 0;
    }

    private static Task<int> ThroughputAsync(int rounds)
        => Workbench.RunAsync(bench => Throughput.MeasureAsync(bench, rounds, whole: true), Throughput.NeedsForAll);

    private static Task<int> TransfersAsync(int rounds) => Workbench.RunAsync(bench => Transfers.MeasureAsync(bench, rounds), Transfers.Needs);

    private static Task<int> SocketsAsync(int rounds) => Workbench.RunAsync(bench => Sockets.MeasureAsync(bench, rounds));

    private static Task<int> StartAsync(int rounds) => Workbench.RunAsync(bench => Start.MeasureAsync(bench, rounds), Start.Needs);

    private static Task<int> GrowthAsync(int rounds) => Workbench.RunAsync(bench => Growth.MeasureAsync(bench, rounds), Growth.Needs);

    private static int Minutes(string[] rest, int otherwise) =>
        rest.Length > 0 && int.TryParse(rest[0], CultureInfo.InvariantCulture, out int minutes) ? Math.Clamp(minutes, 1, 24 * 60) : otherwise;

    private static int Rounds(string[] rest, int otherwise) =>
        rest.Length > 0 && int.TryParse(rest[0], CultureInfo.InvariantCulture, out int rounds) ? Math.Clamp(rounds, 1, 100) : otherwise;
}
