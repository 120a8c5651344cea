using System.Text.RegularExpressions;
using Gateway.Tests.Kit;
using Gateway.Tests.Shipping;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Metrics;

/// <summary>The alerts of `config/prometheus-rules.yaml`: after the incident, `/metrics` has what the expression asks for.</summary>
public sealed partial class AlertTests
{
    /// <summary>Prometheus itself makes this metric.</summary>
    private const string MadeByPrometheus = "up";

    /// <summary>The incident of each alert, by the name of the alert.</summary>
    internal static readonly Dictionary<string, Func<World, Task>> IncidentOf = new()
    {
        ["GatewayDown"] = _ => Task.CompletedTask,
        ["GatewayStoreUnavailable"] = Incidents.LoseStoreAsync,
        ["GatewayPaperlessUnreachable"] = Incidents.LosePaperlessAsync,
        ["GatewaySignInsFail"] = Incidents.FailSignInAsync,
        ["GatewayRechecksUnanswered"] = Incidents.RecheckWithoutAnswerAsync,
        ["GatewayLogoutTokensRefused"] = Incidents.RefuseLogoutTokenAsync,
        ["GatewayPasswordGuessing"] = Incidents.GuessAsync,
        ["GatewayCertificateExpires"] = Incidents.LetCertificateExpireAsync,
    };

    private static YamlMappingNode[] Rules { get; } =
    [
        .. ((YamlSequenceNode)((YamlSequenceNode)Shipped.Yaml(Shipped.Text("config/prometheus-rules.yaml"))["groups"])[0]["rules"]).Cast<YamlMappingNode>(),
    ];

    internal static string[] Expressions { get; } = [.. Rules.Select(rule => rule["expr"].Text())];

    public static TheoryData<string> Alerts => [.. Rules.Select(NameOf)];

    [Theory]
    [MemberData(nameof(Alerts))]
    public async Task After_the_incident_of_an_alert_its_metrics_are_there_with_their_labels(string alert)
    {
        string expression = Rules.Single(rule => NameOf(rule) == alert)["expr"].Text();
        await using World world = await Incidents.StartWorldAsync();
        await IncidentOf[alert](world);

        Match[] selectors = Selector().Matches(Grouping().Replace(expression, "")).ToArray();
        Assert.NotEmpty(selectors);
        foreach (Match selector in selectors.Where(selector => selector.Groups["metric"].Value != MadeByPrometheus))
        {
            await Wait.UntilAsync(() => world.HasSeriesAsync(selector.Groups["metric"].Value, selector.Groups["labels"].Value), $"{selector.Value} is there.");
        }
    }

    [Fact]
    public void Each_alert_has_an_incident_here_a_summary_and_a_section_of_the_document()
    {
        Assert.Equal(IncidentOf.Keys, Rules.Select(NameOf));
        Assert.All(Rules, rule =>
        {
            IReadOnlyDictionary<string, string> annotations = rule.Map("annotations");
            string[] runbook = annotations["runbook"].Split('#');
            Assert.Equal(("docs/alerts.md", NameOf(rule).ToLowerInvariant()), (runbook[0], runbook[1]));
            Assert.Contains(runbook[1], Document.Of(runbook[0]).Anchors);
            Assert.NotEmpty(annotations["summary"]);
        });
    }

    private static string NameOf(YamlMappingNode rule) => rule["alert"].Text();

    /// <summary>The names within are labels.</summary>
    [GeneratedRegex(@"\bby \([^)]*\)")]
    private static partial Regex Grouping();

    /// <summary>A metric with its labels and its range; a function is followed by a parenthesis.</summary>
    [GeneratedRegex(@"\b(?!or\b)(?<metric>[a-z]\w+)\b(?!\s*\()(\{(?<labels>[^}]*)\})?(\[\w+\])?", RegexOptions.ExplicitCapture)]
    private static partial Regex Selector();
}
