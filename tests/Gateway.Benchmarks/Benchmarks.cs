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
            case ["throughput", .. var rest]:
                return await Workbench.RunAsync(
                    bench => Throughput.MeasureAsync(bench, Rounds(rest, 7), whole: !rest.Contains("gateway")),
                    rest.Contains("gateway") ? Throughput.Needs : Throughput.NeedsForAll);
            case ["transfers", .. var rest]:
                return await Workbench.RunAsync(bench => Transfers.MeasureAsync(bench, Rounds(rest, 5)), Transfers.Needs);
            case ["sockets", .. var rest]:
                return await Workbench.RunAsync(bench => Sockets.MeasureAsync(bench, Rounds(rest, 3)));
            case ["start", .. var rest]:
                return await Workbench.RunAsync(bench => Start.MeasureAsync(bench, Rounds(rest, 7)), Start.Needs);
            case ["growth", .. var rest]:
                return await Workbench.RunAsync(bench => Growth.MeasureAsync(bench, Rounds(rest, 5)), Growth.Needs);
            case [KestrelUpstream.Word, var port]:
                await KestrelUpstream.ServeAsync(port);
                return 0;
            case [PlainYarp.Word, var port, var upstream]:
                await PlainYarp.ServeAsync(port, upstream);
                return 0;
            default:
                BenchmarkSwitcher.FromAssembly(typeof(Benchmarks).Assembly).Run(args);
                return 0;
        }
    }

    private static int Rounds(string[] rest, int otherwise) =>
        rest.Length > 0 && int.TryParse(rest[0], CultureInfo.InvariantCulture, out int rounds) ? Math.Clamp(rounds, 1, 100) : otherwise;
}
