namespace Gateway.Benchmarks;

/// <summary>One server under load, and what its rounds came to.</summary>
/// <param name="Authorization">Of an app, which sends no cookie; null for a browser.</param>
internal sealed record Variant(string Name, Uri Address, string Cookie, Child Process, string? Authorization = null)
{
    private readonly List<Load> _loads = [];
    private readonly List<double> _cpu = [];

    public IReadOnlyList<double> Rates => [.. _loads.Select(load => load.RequestsPerSecond)];

    public double Rate => Median.Of(Rates);

    /// <summary>CPU seconds for 10,000 requests.</summary>
    public double Cpu => Median.Of(_cpu);

    /// <summary>Requests for each second of processor time that the server and all processes below it took.</summary>
    public double RequestsPerCpuSecond => 10_000 / Cpu;

    public double P50 => Median.Of(_loads.Select(load => load.P50Milliseconds));

    public double P99 => Median.Of(_loads.Select(load => load.P99Milliseconds));

    /// <summary>The same server, without its rounds.</summary>
    public Variant Afresh() => new(Name, Address, Cookie, Process, Authorization);

    public double RateAgainst(Variant other) => Median.OfRatios(Rates, other.Rates);

    public double CpuAgainst(Variant other) => Median.OfRatios(_cpu, other._cpu);

    public double P99Against(Variant other) => Median.OfRatios(_loads.Select(load => load.P99Milliseconds), other._loads.Select(load => load.P99Milliseconds));

    public async Task MeasureAsync(int seconds, int connections, WrkScript? script, CancellationToken cancel)
    {
        double before = Process.CpuSeconds;
        Load load = await Wrk.RunAsync(Address, Cookie, seconds, connections, script, Authorization, cancel);
        _cpu.Add((Process.CpuSeconds - before) / load.Requests * 10_000);
        _loads.Add(load);
    }
}

internal static class Median
{
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The median of the rounds' own ratios: both sides of each were measured side by side.</summary>
    public static double OfRatios(IEnumerable<double> own, IEnumerable<double> others) => Of(own.Zip(others, (one, other) => one / other));
}
