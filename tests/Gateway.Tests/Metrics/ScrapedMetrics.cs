using System.Globalization;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Metrics;

/// <summary>A gateway with metrics, and what Prometheus reads of it.</summary>
internal static partial class ScrapedMetrics
{
    public static Task<World> StartAsync(Action<WorldOptions>? configure = null) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_METRICS"] = null;
        configure?.Invoke(options);
    });

    public static async Task<Page> ScrapeAsync(this World world)
    {
        using Visitor prometheus = world.NewVisitor();
        return await prometheus.SendAsync(HttpMethod.Get, new Uri(world.Gateway.Management, "/metrics").AbsoluteUri);
    }

    /// <summary>The sum of all series of a metric that have these labels; null if there is none.</summary>
    public static async Task<double?> MetricAsync(this World world, string metric, params (string Name, string Value)[] labels)
    {
        double? sum = null;
        foreach (Match line in Sample().Matches((await world.ScrapeAsync()).Text))
        {
            if (line.Groups["metric"].Value == metric
                && labels.All(label => $",{line.Groups["labels"].Value},".Contains($",{label.Name}=\"{label.Value}\",", StringComparison.Ordinal)))
            {
                sum = (sum ?? 0) + double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture);
            }
        }

        return sum;
    }

    /// <summary>Something that is counted after its answer.</summary>
    public static Task UntilCountedAsync(this World world, double count, string metric, params (string Name, string Value)[] labels) =>
        Wait.UntilAsync(async () => await world.MetricAsync(metric, labels) == count, $"{metric} is {count}.");

    [GeneratedRegex(@"^(?<metric>\w+)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?\r?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Sample();
}
