namespace Gateway.Operations;

/// <summary>What stands behind `Gateway accounts` on the command line. None of it is configuration for the host.</summary>
internal sealed record AccountsArguments(AccountsVerb Verb, string Issuer, string Subject, string User, string? Provider, bool Json)
{
    private const string JsonOption = "--json";

    private static readonly Dictionary<AccountsVerb, (string[] Required, string[] Optional)> Options = new()
    {
        [AccountsVerb.List] = ([], []),
        [AccountsVerb.Link] = (["--issuer", "--subject", "--user"], ["--provider"]),
        [AccountsVerb.Unlink] = (["--issuer", "--subject"], []),
    };

    /// <param name="args">What comes after the word `accounts`.</param>
    /// <returns>The arguments, or what is wrong with them.</returns>
    public static (AccountsArguments? Arguments, string? Fault) Parse(ReadOnlySpan<string> args)
    {
        AccountsVerb? named = args is [{ } word, ..] ? word switch { "list" => AccountsVerb.List, "link" => AccountsVerb.Link, "unlink" => AccountsVerb.Unlink, _ => null } : null;
        if (named is not { } verb)
        {
            return (null, "accounts: say list, link or unlink.");
        }

        (string[] required, string[] optional) = Options[verb];
        Dictionary<string, string> given = [];
        for (int at = 1; at < args.Length; at++)
        {
            string[] parts = args[at].Split('=', 2);
            string option = parts[0];
            if (option == JsonOption && parts.Length == 1)
            {
                given[JsonOption] = "";
                continue;
            }

            if (!required.Contains(option) && !optional.Contains(option))
            {
                return (null, $"accounts {args[0]}: \"{args[at]}\" is not understood.");
            }

            string? value = parts.Length == 2 ? parts[1] : ++at < args.Length ? args[at] : null;
            if (string.IsNullOrWhiteSpace(value))
            {
                return (null, $"accounts {args[0]}: {option} has no value.");
            }

            if (!given.TryAdd(option, value))
            {
                return (null, $"accounts {args[0]}: {option} is there twice.");
            }
        }

        if (required.FirstOrDefault(option => !given.ContainsKey(option)) is { } missing)
        {
            return (null, $"accounts {args[0]}: {missing} is missing.");
        }

        string issuer = given.GetValueOrDefault("--issuer", "");
        if (issuer.Length > 0 && !(Uri.TryCreate(issuer, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"))
        {
            return (null, $"accounts {args[0]}: --issuer is not a full address; it is what the provider writes into \"iss\", such as https://auth.example.com/application/o/paperless/.");
        }

        return (new AccountsArguments(verb, issuer, given.GetValueOrDefault("--subject", ""), given.GetValueOrDefault("--user", ""), given.GetValueOrDefault("--provider"), given.ContainsKey(JsonOption)), null);
    }
}

internal enum AccountsVerb
{
    List,
    Link,
    Unlink,
}
