namespace Gateway.Operations;

/// <summary>What stands behind `Gateway accounts` on the command line. None of it is configuration for the host.</summary>
internal sealed record AccountsArguments(AccountsVerb Verb, string Issuer, string Subject, string User, string? Provider, bool Json)
{
    private static readonly Dictionary<AccountsVerb, (string[] Required, string[] Optional)> Options = new()
    {
        [AccountsVerb.List] = ([], []),
        [AccountsVerb.Link] = (["--issuer", "--subject", "--user"], ["--provider"]),
        [AccountsVerb.Unlink] = (["--issuer", "--subject"], ["--provider"]),
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
        (CommandOptions? given, string? fault) = CommandOptions.Parse($"accounts {args[0]}", args[1..], required, optional);
        if (given is null)
        {
            return (null, fault);
        }

        string issuer = given["--issuer"] ?? "";
        if (issuer.Length > 0 && !(Uri.TryCreate(issuer, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"))
        {
            return (null, $"accounts {args[0]}: --issuer is not a full address; it is what the provider writes into \"iss\", such as https://auth.example.com/application/o/paperless/.");
        }

        return (new AccountsArguments(verb, issuer, given["--subject"] ?? "", given["--user"] ?? "", given["--provider"], given.Json), null);
    }
}

internal enum AccountsVerb
{
    List,
    Link,
    Unlink,
}
