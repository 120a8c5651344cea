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
            case ["replicas"]:
                return await Replicas.RunAsync();
            case ["stores"]:
                return await Stores.RunAsync();
            case ["plain-yarp", var port, var upstream]:
                await PlainYarp.ServeAsync(port, upstream);
                return 0;
            default:
                BenchmarkSwitcher.FromAssembly(typeof(Benchmarks).Assembly).Run(args);
                return 0;
        }
    }
}
