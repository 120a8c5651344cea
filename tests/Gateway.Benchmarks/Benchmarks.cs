using BenchmarkDotNet.Running;

namespace Gateway.Benchmarks;

/// <summary>`throughput` measures the whole against plain YARP; anything else goes to BenchmarkDotNet, for the parts.</summary>
internal static class Benchmarks
{
    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["throughput", .. var rest]:
                return await Throughput.RunAsync(rounds: rest is [var rounds, ..] ? int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture) : 7);
            case ["plain-yarp", var port, var upstream]:
                await PlainYarp.ServeAsync(port, upstream);
                return 0;
            case ["page", .. var asked]:
                return await PageLoad.RunAsync(rounds: asked is [var number, ..] ? int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) : 5);
            default:
                BenchmarkSwitcher.FromAssembly(typeof(Benchmarks).Assembly).Run(args);
                return 0;
        }
    }
}
