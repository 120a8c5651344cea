namespace Gateway.Checks;

/// <summary>The findings of all checks.</summary>
/// <param name="Findings">In the order in which a sign-in meets the things.</param>
/// <param name="At">When the checks were done.</param>
internal sealed record CheckReport(IReadOnlyList<Finding> Findings, DateTimeOffset At)
{
    /// <summary>The most serious level.</summary>
    public FindingLevel Worst { get; } = Findings.Select(finding => finding.Level).DefaultIfEmpty().Max();
}
