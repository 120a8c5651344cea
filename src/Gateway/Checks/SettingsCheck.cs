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
        return Task.FromResult<IReadOnlyList<Finding>>(findings);
    }
}
