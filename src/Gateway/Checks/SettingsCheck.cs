using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>The configuration as it was read, with the warnings that a start logs.</summary>
internal sealed class SettingsCheck(GatewaySettings settings, SettingsWarnings warnings) : ICheck
{
    public string Subject => "settings";

    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        List<Finding> findings = [Finding.Good(Subject, $"{settings.Public} in front of {string.Join(", ", settings.Upstreams)}")];
        findings.AddRange(warnings.Texts.Select(text => new Finding(Subject, FindingLevel.Warning, text.TrimEnd('.'))));
        findings.AddRange(Examples().Select(seen => Finding.Problem(Subject, seen, "Write the real host")));
        return Task.FromResult<IReadOnlyList<Finding>>(findings);
    }

    private IEnumerable<string> Examples() =>
    [
        .. Examples([settings.Public.Hostname]).Select(host => $"PAPERLESS_URL still names the example host {host}"),
        .. Examples(settings.Providers.Select(provider => provider.DiscoveryUrl.Host)).Select(host => $"server_url still names the example host {host}"),
        .. Examples(settings.Upstreams.Select(upstream => upstream.Host)).Select(host => $"GATEWAY_UPSTREAM_URL still names the example host {host}"),
    ];

    private static IEnumerable<string> Examples(IEnumerable<string> hosts) => hosts.Where(ExampleHost.IsExample);
}
