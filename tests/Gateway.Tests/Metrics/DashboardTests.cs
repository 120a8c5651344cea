using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Metrics;

/// <summary>A real Prometheus evaluates the expressions of `config/grafana-dashboard.json` and `config/prometheus-rules.yaml`.</summary>
[Needs(RealPart.Prometheus)]
public sealed partial class DashboardTests
{
    private const string RulesFile = "config/prometheus-rules.yaml";

    private static JsonElement Dashboard { get; } = JsonDocument.Parse(Shipped.Text("config/grafana-dashboard.json")).RootElement;

    private static JsonElement[] Panels { get; } =
        [.. Dashboard.GetProperty("panels").EnumerateArray().Where(panel => panel.GetProperty("type").GetString() != "row")];

    [Fact]
    public async Task After_each_incident_every_expression_of_the_dashboard_and_of_the_alerts_has_a_result()
    {
        await using World world = await Incidents.StartWorldAsync();
        await using PrometheusServer prometheus = await PrometheusServer.StartAsync(world.Gateway.Management, Path.Combine(Repository.Root, RulesFile));
        await Incidents.OrdinaryUseAsync(world);
        foreach (Func<World, Task> incident in AlertTests.IncidentOf.Values)
        {
            await incident(world);
        }

        string[] expressions = [.. Panels.SelectMany(Expressions).Select(WithVariables), .. AlertTests.Expressions.Select(WithoutLimit)];
        Assert.True(expressions.Length >= 30, $"{expressions.Length} expressions");
        foreach (string expression in expressions)
        {
            await Wait.UntilAsync(async () => await prometheus.CountAsync(expression) > 0, $"{expression} has a result.");
        }
    }

    [Fact]
    public async Task Prometheus_evaluates_every_alert_rule_without_an_error_and_none_fires_at_first()
    {
        await using World world = await Incidents.StartWorldAsync();
        await using PrometheusServer prometheus = await PrometheusServer.StartAsync(world.Gateway.Management, Path.Combine(Repository.Root, RulesFile));

        await Wait.UntilAsync(
            async () => (await prometheus.RuleHealthAsync()).Values.All(health => health == "ok"),
            "Every rule is evaluated.");

        Assert.Equal(AlertTests.IncidentOf.Keys, (await prometheus.RuleHealthAsync()).Keys);
        Assert.Equal(0, await prometheus.CountAsync("ALERTS"));
    }

    [Fact]
    public async Task An_alert_fires_after_the_third_failure_of_Paperless()
    {
        await using World world = await Incidents.StartWorldAsync();
        await using PrometheusServer prometheus = await PrometheusServer.StartAsync(world.Gateway.Management, Path.Combine(Repository.Root, RulesFile));

        await Wait.UntilAsync(async () => await prometheus.CountAsync("gateway_refusals_total") > 0, "Prometheus has read the counter at 0.");
        for (int count = 0; count < 3; count++)
        {
            await Incidents.LosePaperlessAsync(world);
        }

        await Wait.UntilAsync(
            async () => await prometheus.CountAsync("ALERTS{alertname=\"GatewayPaperlessUnreachable\", alertstate=\"firing\"}") > 0,
            "The alert fires.");
    }

    [Fact]
    public void Each_panel_has_a_title_a_description_and_an_expression_and_overlaps_no_other()
    {
        Assert.All(Panels, panel =>
        {
            Assert.NotEmpty(panel.GetProperty("title").GetString()!);
            Assert.NotEmpty(panel.GetProperty("description").GetString()!);
            Assert.NotEmpty(Expressions(panel));
            Assert.Equal("${datasource}", panel.GetProperty("datasource").GetProperty("uid").GetString());
        });
        (int X, int Y)[] cells = [.. Panels.SelectMany(Cells)];
        Assert.Equal(cells.Length, cells.Distinct().Count());
        Assert.All(cells, cell => Assert.InRange(cell.X, 0, 23));
    }

    [Fact]
    public void Each_alert_that_a_panel_names_exists_and_each_alert_about_the_gateway_is_named()
    {
        string[] named = [.. Panels.SelectMany(panel => AlertName().Matches(panel.GetProperty("description").GetString()!)).Select(match => match.Value)];

        Assert.Equal(AlertTests.IncidentOf.Keys.Order(), named.Distinct().Order());
    }

    private static IEnumerable<(int X, int Y)> Cells(JsonElement panel)
    {
        JsonElement place = panel.GetProperty("gridPos");
        (int x, int y) = (place.GetProperty("x").GetInt32(), place.GetProperty("y").GetInt32());
        return from column in Enumerable.Range(x, place.GetProperty("w").GetInt32())
               from row in Enumerable.Range(y, place.GetProperty("h").GetInt32())
               select (column, row);
    }

    private static IEnumerable<string> Expressions(JsonElement panel) =>
        panel.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("expr").GetString()!);

    /// <summary>As Grafana does it: all gateways, and the range of a rate.</summary>
    private static string WithVariables(string expression) => expression
        .Replace("$instance", ".*", StringComparison.Ordinal)
        .Replace("$__rate_interval", "5m", StringComparison.Ordinal);

    /// <summary>An alert without its comparison: what is compared must be there.</summary>
    private static string WithoutLimit(string expression) => Limit().Replace(expression, "");

    [GeneratedRegex(@"\s*(==|>=|<=|>|<)\s*[\d.e]+\s*$")]
    private static partial Regex Limit();

    [GeneratedRegex(@"\bGateway[A-Z]\w+")]
    private static partial Regex AlertName();
}
