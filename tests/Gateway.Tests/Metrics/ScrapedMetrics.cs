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

    /// <summary>Whether a selector of PromQL finds a series, which is not 0 if it is a counter.</summary>
    /// <param name="matchers">As between its braces, with `=` and `=~`.</param>
    public static async Task<bool> HasSeriesAsync(this World world, string metric, string matchers)
    {
        string text = (await world.ScrapeAsync()).Text;
        Match[] wanted = Matcher().Matches(matchers).ToArray();
        return Sample().Matches(text).Any(line => line.Groups["metric"].Value == metric
            && (!metric.EndsWith("_total", StringComparison.Ordinal) || double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture) > 0)
            && wanted.All(one => IsIn(line.Groups["labels"].Value, one)));
    }

    private static bool IsIn(string labels, Match matcher) => Matcher().Matches(labels).Any(label =>
        label.Groups["name"].Value == matcher.Groups["name"].Value
        && (matcher.Groups["operator"].Value == "=~"
            ? Regex.IsMatch(label.Groups["value"].Value, $"^(?:{matcher.Groups["value"].Value})$")
            : label.Groups["value"].Value == matcher.Groups["value"].Value));

    /// <summary>Something that is counted after its answer.</summary>
    public static Task UntilCountedAsync(this World world, double count, string metric, params (string Name, string Value)[] labels) =>
        Wait.UntilAsync(async () => await world.MetricAsync(metric, labels) == count, $"{metric} is {count}.");

    [GeneratedRegex(@"(?<name>\w+)(?<operator>=~?)""(?<value>[^""]*)""")]
    private static partial Regex Matcher();

    [GeneratedRegex(@"^(?<metric>\w+)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?\r?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Sample();
}
