using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>
/// Where the memory of the gateway goes, as the image has it: what it is for, and what each setting of the runtime changes. All settings run side
/// by side and take the load in turn.
/// </summary>
internal static class Memory
{
    private const int Seconds = 4;
    private const int Connections = 64;
    private const string Path = "api/documents/";

    /// <summary>The runtime takes these over what the program's own `runtimeconfig.json` says.</summary>
    private static readonly (string Name, Dictionary<string, string> Environment)[] Settings =
    [
        ("as shipped: server GC", []),
        ("workstation GC", new() { ["DOTNET_gcServer"] = "0" }),
        ("workstation GC, not concurrent", new() { ["DOTNET_gcServer"] = "0", ["DOTNET_gcConcurrent"] = "0" }),
        ("GCgen0MaxBudget 4 MiB", new() { ["DOTNET_GCgen0MaxBudget"] = "0x400000" }),
        ("GCConserveMemory 5", new() { ["DOTNET_GCConserveMemory"] = "5" }),
        ("TieredPGO off", new() { ["DOTNET_TieredPGO"] = "0" }),
        ("W^X off", new() { ["DOTNET_EnableWriteXorExecute"] = "0" }),
        ("glibc with two arenas", new() { ["MALLOC_ARENA_MAX"] = "2" }),
    ];

    public static readonly DebianProgram[] Needs = [DebianProgram.Nginx, DebianProgram.Wrk];

    /// <param name="builds">Further assemblies of the gateway, to be compared with this one and with no settings; then it prints and writes nothing.</param>
    public static async Task MeasureAsync(Workbench bench, int rounds, string[] builds)
    {
        string published = await Publication.PublishAsync(bench, "published");
        (_, Uri upstream) = await Nginx.StartUpstreamAsync(bench);
        DevelopmentProvider provider = await Provider.StartAsync(bench);
        List<Variant> variants = [];
        foreach ((string name, Dictionary<string, string> environment) in builds.Length > 0 ? Settings[..1] : Settings)
        {
            variants.Add(await StartAsync(name, new(bench, $"memory-{variants.Count}", upstream, provider) { Further = environment }, published));
        }

        foreach (string build in builds)
        {
            variants.Add(await StartAsync(build, new(bench, $"memory-{variants.Count}", upstream, provider), build));
        }

        await Task.Delay(TimeSpan.FromSeconds(3), bench.Cancel);
        double[] idle = [.. variants.Select(variant => variant.Process.MemoryMiB)];
        MemoryMap idleMap = variants[0].Process.Map;

        // The first round lets the runtime compile the hot methods anew, and does not count.
        await RoundAsync([.. variants.Select(variant => variant.Afresh())], "warm-up", bench.Cancel);
        for (int round = 1; round <= rounds; round++)
        {
            await RoundAsync(variants, $"round {round} of {rounds}", bench.Cancel);
        }

        double[] loaded = [.. variants.Select(variant => variant.Process.MemoryMiB)];
        Action<string, string> write = builds.Length == 0 ? PerformancePage.Write : (_, markdown) => Console.WriteLine(markdown);
        write("memory-map", $"{MemoryMap.Table(idleMap, variants[0].Process.Map)}\n{Machine.Sentence}");
        write("memory-settings", Table(variants, idle, loaded, rounds));
    }

    private static async Task<Variant> StartAsync(string name, GatewayProgram program, string published)
    {
        Child server = program.Start(published);
        await server.WaitForAsync(program.Address, program.Bench.Cancel);
        return new Variant(name, new Uri(program.Address, Path), await program.SignInAsync(), server);
    }

    private static async Task RoundAsync(IReadOnlyList<Variant> variants, string name, CancellationToken cancel)
    {
        foreach (Variant variant in variants)
        {
            await variant.MeasureAsync(Seconds, Connections, script: null, cancel);
        }

        await Console.Error.WriteLineAsync($"{name}: {string.Join("  ", variants.Select(variant => $"{variant.Rates[^1]:0}"))}");
    }

    private static string Table(List<Variant> variants, double[] idle, double[] loaded, int rounds)
    {
        MarkdownTable table = new(
            "",
            "idle, MiB",
            "after all rounds, MiB",
            "requests/s, as shipped = 1",
            "CPU, as shipped = 1");
        foreach ((Variant variant, int index) in variants.Select((variant, index) => (variant, index)))
        {
            table.Row(
                $"{variant.Name}",
                $"{idle[index]:0}",
                $"{loaded[index]:0}",
                $"{variant.RateAgainst(variants[0]):0.00}",
                $"{variant.CpuAgainst(variants[0]):0.00}");
        }

        return $"{table}\n{rounds} rounds of {Seconds} s, {Connections} keep-alive connections; {Machine.Sentence}";
    }
}
