namespace Gateway.Operations;

/// <summary>The options of one command: `--name value` or `--name=value`, each once; `--json` stands alone and any number of times.</summary>
internal sealed class CommandOptions
{
    private const string JsonOption = "--json";

    private readonly Dictionary<string, string> _given = [];

    public string? this[string option] => _given.GetValueOrDefault(option);

    public bool Json => _given.ContainsKey(JsonOption);

    /// <param name="command">Its words, such as `accounts list`.</param>
    /// <param name="args">What comes after them. None of it is configuration for the host.</param>
    /// <returns>The options, or what is wrong with them.</returns>
    public static (CommandOptions? Options, string? Fault) Parse(string command, ReadOnlySpan<string> args, string[] required, string[] optional)
    {
        CommandOptions options = new();
        for (int at = 0; at < args.Length; at++)
        {
            string[] parts = args[at].Split('=', 2);
            string option = parts[0];
            if (option == JsonOption && parts.Length == 1)
            {
                options._given[JsonOption] = "";
                continue;
            }

            if (!required.Contains(option) && !optional.Contains(option))
            {
                return (null, $"{command}: \"{args[at]}\" is not understood.");
            }

            string? value = parts.Length == 2 ? parts[1] : ++at < args.Length ? args[at] : null;
            if (string.IsNullOrWhiteSpace(value))
            {
                return (null, $"{command}: {option} has no value.");
            }

            if (!options._given.TryAdd(option, value))
            {
                return (null, $"{command}: {option} is there twice.");
            }
        }

        return required.FirstOrDefault(option => !options._given.ContainsKey(option)) is { } missing
            ? (null, $"{command}: {missing} is missing.")
            : (options, null);
    }
}
