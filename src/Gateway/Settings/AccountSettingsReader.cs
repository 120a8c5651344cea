using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>Reads the settings of accounts and groups.</summary>
internal sealed class AccountSettingsReader(Variables variables)
{
    /// <summary>Since Paperless-ngx 3.1.</summary>
    private const string PaperlessSuperuserGroup = "PAPERLESS_SOCIAL_ACCOUNT_SYNC_SUPERUSER_GROUP";

    private const string PaperlessStaffGroup = "PAPERLESS_SOCIAL_ACCOUNT_SYNC_STAFF_GROUP";

    /// <param name="providers">The `provider_id`s.</param>
    /// <param name="accountSignups">Whether anyone can sign up in Paperless under any name.</param>
    /// <param name="severalTenants">Whether people of several Microsoft Entra tenants sign in at one provider. A tenant names its people as a provider does.
    /// </param>
    public AccountSettings Read(ImmutableArray<string> providers, bool accountSignups, bool severalTenants) => new()
    {
        Credential = Credential(),
        AutoSignup = variables.Flag("PAPERLESS_SOCIAL_AUTO_SIGNUP"),
        SignupsAllowed = variables.Flag("PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS", fallback: true),
        Match = Match(severalProviders: providers.Length > 1 || severalTenants, accountSignups),
        SyncGroups = variables.Flag("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"),
        CreateGroups = variables.Flag("GATEWAY_CREATE_GROUPS"),
        DefaultGroups = [.. variables.List("PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS")
            .Union(variables.List("PAPERLESS_ACCOUNT_DEFAULT_GROUPS"), StringComparer.Ordinal)],
        SuperuserGroups = WarnOfTenants(FlagGroups("GATEWAY_SUPERUSER_GROUPS", PaperlessSuperuserGroup, providers), "superuser", severalTenants),
        StaffGroups = WarnOfTenants(FlagGroups("GATEWAY_STAFF_GROUPS", PaperlessStaffGroup, providers), "staff", severalTenants),
        SuperusersAreStaff = IsUsed(PaperlessSuperuserGroup, "GATEWAY_SUPERUSER_GROUPS") || IsUsed(PaperlessStaffGroup, "GATEWAY_STAFF_GROUPS"),
    };

    private FlagGroups WarnOfTenants(FlagGroups groups, string flag, bool severalTenants)
    {
        if (severalTenants && groups.Providers.Any())
        {
            variables.Warn($"Each tenant of GATEWAY_ALLOWED_TENANTS can give the {flag} flag to its own people, because a group or role of the configured name "
                + "counts in every tenant. List only tenants that you trust with it.");
        }

        return groups;
    }

    /// <summary>Whether Paperless's own variable decides a flag.</summary>
    private bool IsUsed(string paperless, string own) => variables.Text(paperless) is not null && variables.Text(own) is null;

    /// <param name="paperless">Paperless's variable of the same meaning: the exact name of one group, whichever provider names it.</param>
    private FlagGroups FlagGroups(string name, string paperless, ImmutableArray<string> providers)
    {
        string? group = variables.Text(paperless);
        if (!IsUsed(paperless, name))
        {
            if (group is not null)
            {
                variables.Warn($"{paperless} has no effect, because {name} is set.");
            }

            return FlagGroups(name, providers);
        }

        if (providers.Length > 1)
        {
            variables.Problem(
                paperless,
                $"\"{group}\" does not name the provider of the group: any of the providers could then give the flag to its own people.",
                $"Write {name}={string.Join(" or ", providers.Select(id => $"{id}:{group}"))} in its place.");
        }

        return new FlagGroups(providers.Select(id => (id, group!)));
    }

    /// <summary>Entries are `provider_id:group`, or `group` if there is only one provider. The name of a group may contain a colon.</summary>
    private FlagGroups FlagGroups(string name, ImmutableArray<string> providers)
    {
        List<(string Provider, string Group)> groups = [];
        foreach (string entry in variables.List(name))
        {
            int colon = entry.IndexOf(':', StringComparison.Ordinal);
            string? provider = colon < 0 ? null : providers.FirstOrDefault(id => id == entry[..colon].TrimEnd());
            if (provider is not null && entry[(colon + 1)..].Trim() is { Length: > 0 } group)
            {
                groups.Add((provider, group));
            }
            else if (provider is not null)
            {
                variables.Problem(name, $"\"{entry}\" names a provider and no group.", $"Write {provider}:group.");
            }
            else if (providers.Length > 1)
            {
                variables.Problem(
                    name,
                    $"\"{entry}\" does not name the provider of the group: any of the providers could then give the flag to its own people.",
                    $"Write {string.Join(" or ", providers.Select(id => $"{id}:{entry}"))}.");
            }
            else
            {
                groups.AddRange(providers.Select(id => (id, entry)));
            }
        }

        return new FlagGroups(groups);
    }

    private ApiCredential Credential()
    {
        const string tokenName = "GATEWAY_PAPERLESS_TOKEN";
        const string userName = "PAPERLESS_ADMIN_USER";
        const string passwordName = "PAPERLESS_ADMIN_PASSWORD";
        string? token = variables.Text(tokenName);
        string? user = variables.Text(userName);
        string? password = variables.Text(passwordName);
        if (token is not null)
        {
            if (!token.All(char.IsAsciiLetterOrDigit))
            {
                variables.Problem(
                    tokenName,
                    "is not an API token of Paperless.",
                    "Copy the token alone from My Profile of a superuser, without \"Token\" before it.");
            }

            return new ApiCredential(token, null, null);
        }

        if (user is null && password is null)
        {
            if (!variables.IsUnreadable(tokenName) && !variables.IsUnreadable(userName) && !variables.IsUnreadable(passwordName))
            {
                variables.Problem(
                    tokenName,
                    "is not set, so the gateway cannot manage accounts and groups in Paperless.",
                    $"Write an API token of a superuser (Paperless: My Profile), or set {userName} and {passwordName} as Paperless has them.");
            }
        }
        else if ((user is null || password is null) && !variables.IsUnreadable(user is null ? userName : passwordName))
        {
            (string set, string unset) = user is null ? (passwordName, userName) : (userName, passwordName);
            variables.Problem(unset, $"is not set, but {set} is.", $"Set both, or {tokenName} in their place.");
        }

        return new ApiCredential(null, user, password);
    }

    private AccountMatch Match(bool severalProviders, bool accountSignups)
    {
        const string name = "GATEWAY_MATCH_ACCOUNTS";
        switch (variables.Text(name)?.ToUpperInvariant())
        {
            case null:
                if (severalProviders)
                {
                    variables.Warn($"{name} is never, because there are several providers: no first sign-in gets an account by its name, also not at the "
                        + "provider that was there before. People who signed in before keep their accounts. Others are asked for their Paperless password "
                        + "if an account has their name. Write never to accept this, or username if you trust all providers with all names.");
                }

                return severalProviders || accountSignups ? AccountMatch.Never : AccountMatch.Username;
            case "NEVER":
                return AccountMatch.Never;
            case "VERIFIED-EMAIL":
                variables.Warn($"{name} is verified-email: a first sign-in gets the ordinary Paperless account with the person's email address. "
                    + "People can change the address of their own account in Paperless, and Paperless does not verify it.");
                if (severalProviders)
                {
                    variables.Warn($"{name} is verified-email with several providers: any of them can give its people the Paperless account of an email "
                        + "address, by saying that it has verified the address. Use never unless you trust all providers with all addresses.");
                }

                if (accountSignups)
                {
                    variables.Warn($"{name} is verified-email while PAPERLESS_ACCOUNT_ALLOW_SIGNUPS is on: a stranger can sign up with another person's "
                        + "email address and then share the account with that person. Use never, or switch sign-ups off.");
                }

                return AccountMatch.VerifiedEmail;
            case "USERNAME":
                if (severalProviders)
                {
                    variables.Warn($"{name} is username with several providers: a person who gets a name at any of them gets the Paperless account of "
                        + "that name. Use never unless you trust all providers with all names.");
                }

                if (accountSignups)
                {
                    variables.Warn($"{name} is username while PAPERLESS_ACCOUNT_ALLOW_SIGNUPS is on: a stranger can sign up under another person's name "
                        + "and then share the account with that person. Use never, or switch sign-ups off.");
                }

                return AccountMatch.Username;
            default:
                variables.Problem(
                    name,
                    "is neither username nor verified-email nor never.",
                    "Write username or verified-email, or never if only Connect may link accounts.");
                return AccountMatch.Never;
        }
    }
}
