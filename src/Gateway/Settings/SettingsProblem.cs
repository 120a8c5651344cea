namespace Gateway.Settings;

/// <summary>A problem of the configuration. Its sentences never quote a secret.</summary>
/// <param name="Variable">The environment variable to change.</param>
/// <param name="Wrong">The problem.</param>
/// <param name="Remedy">The value or action that solves it.</param>
internal sealed record SettingsProblem(string Variable, string Wrong, string Remedy)
{
    public override string ToString() => $"{Variable}: {Wrong} {Remedy}";
}

/// <summary>The configuration is invalid. The exception lists every problem.</summary>
internal sealed class SettingsException(IReadOnlyList<SettingsProblem> problems)
    : Exception(Describe(problems))
{
    public IReadOnlyList<SettingsProblem> Problems { get; } = problems;

    private static string Describe(IReadOnlyList<SettingsProblem> problems) =>
        $"""
        The gateway does not start: {problems.Count} {(problems.Count == 1 ? "problem" : "problems")} in its configuration.

        {string.Join("\n", problems.Select(problem => "  " + problem))}
        """;
}
