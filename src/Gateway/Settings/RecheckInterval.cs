namespace Gateway.Settings;

/// <summary>Reads how often the provider is asked again.</summary>
internal static class RecheckInterval
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(10);

    /// <param name="example">A value for the remedy.</param>
    public static TimeSpan Read(Variables variables, string name, TimeSpan fallback, string example)
    {
        TimeSpan interval = variables.Duration(name, fallback);
        if (interval < Shortest)
        {
            variables.Problem(
                name,
                $"\"{variables.Text(name)}\" is too short: the gateway would query the provider all the time.",
                $"Write {Shortest.TotalSeconds:0}s or more, such as {example}.");
        }

        return interval;
    }
}
