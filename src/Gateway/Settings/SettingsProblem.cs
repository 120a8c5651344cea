namespace Gateway.Settings;

/// <summary>One thing wrong with the configuration. Neither sentence ever quotes a secret.</summary>
/// <param name="Variable">The environment variable to change.</param>
/// <param name="Wrong">What is wrong with it.</param>
/// <param name="Remedy">What to write instead.</param>
internal sealed record SettingsProblem(string Variable, string Wrong, string Remedy)
{
    public override string ToString() => $"{Variable}: {Wrong} {Remedy}";
}

/// <summary>The configuration is not good enough to start with; holds every problem at once.</summary>
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
