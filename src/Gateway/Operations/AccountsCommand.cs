using Gateway.Accounts;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>`Gateway accounts` lists, adds and removes account links in the store, even while a gateway is running.</summary>
internal sealed partial class AccountsCommand(
    IAccountLinkStore links,
    IRefusedSignInStore refused,
    PendingLinksCommand pendingLinks,
    NamedUsers users,
    AccountsImport import,
    PaperlessApi api,
    ProviderRegistry providers,
    LinkedSessions linkedSessions,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <returns>The exit code. Only the requested output goes to standard output.</returns>
    public async Task<int> RunAsync(AccountsArguments arguments)
    {
        try
        {
            return arguments.Verb switch
            {
                AccountsVerb.Link => await LinkAsync(arguments),
                AccountsVerb.Unlink when arguments.ProviderUser.Length > 0 => await pendingLinks.UnlinkAsync(arguments),
                AccountsVerb.Unlink => await UnlinkAsync(arguments),
                AccountsVerb.Import => await import.RunAsync(arguments.File, arguments.Json),
                AccountsVerb.List when arguments.Refused => await ListRefusedAsync(arguments.Json),
                _ => await ListAsync(arguments.Json),
            };
        }
        catch (PaperlessApiException failure)
        {
            return await Terminal.FailAsync(Describe(failure));
        }
        catch (StoreUnavailableException error)
        {
            return await Terminal.FailAsync($"The gateway's store cannot be used: {error.Message}. Changes made so far are kept. Run the command again.");
        }
    }

    private async Task<int> ListAsync(bool json)
    {
        IReadOnlyList<AccountLink> all = await links.ListAllAsync(CancellationToken.None);
        IReadOnlyList<PendingLink> pending = await links.ListPendingAsync(time.GetUtcNow(), CancellationToken.None);
        IReadOnlyList<PaperlessUser>? users = null;
        try
        {
            users = all.Count + pending.Count == 0 ? [] : await api.ListUsersAsync(CancellationToken.None);
        }
        catch (PaperlessApiException failure)
        {
            await Terminal.NoteAsync($"{Describe(failure)} The list shows no user names.");
        }

        LinkedAccount[] rows = [.. all.Select(link => LinkedAccount.From(link, users?.FirstOrDefault(user => IsLinkOf(link, user))?.Username))];
        LinkedAccount[] pendingRows = [.. pending.Select(link => LinkedAccount.From(
            link,
            users?.FirstOrDefault(user => user.Id == link.UserId && user.HasJoinedAt(link.Joined))?.Username))];
        if (json)
        {
            await Console.Out.WriteLineAsync(LinkedAccountText.Json([.. rows, .. pendingRows]));
            return 0;
        }

        string missingName = users is null ? "?" : "(gone)";
        await Console.Out.WriteLineAsync(TableText(rows, missingName));
        if (pendingRows.Length > 0)
        {
            await Console.Out.WriteLineAsync("\nLinks that wait for a first sign-in:\n" + LinkedAccountText.PendingTable(pendingRows, missingName));
        }

        return 0;
    }

    private async Task<int> ListRefusedAsync(bool json)
    {
        IReadOnlyList<RefusedSignIn> all = await refused.ListAsync(time.GetUtcNow(), CancellationToken.None);
        if (json)
        {
            await Console.Out.WriteLineAsync(RefusedSignInText.Json(all));
            return 0;
        }

        await Console.Out.WriteLineAsync(all.Count == 0 ? "Nobody was refused in the last week." : RefusedSignInText.Table(all));
        return 0;
    }

    private static string TableText(LinkedAccount[] rows, string missingName) =>
        rows.Length == 0 ? "Nobody is linked to a Paperless user yet." : LinkedAccountText.Table(rows, missingName);

    private async Task<int> LinkAsync(AccountsArguments arguments)
    {
        if (arguments.Provider is null && providers.All.Length > 1)
        {
            return await Terminal.FailAsync($"accounts link: --provider is missing; there are {ProviderIds()}.", Terminal.BadUsage);
        }

        if ((arguments.Provider is null ? providers.All[0] : providers.Find(arguments.Provider)) is not { } provider)
        {
            return await Terminal.FailAsync(
                $"The settings have no provider \"{arguments.Provider}\"; there {(providers.All.Length > 1 ? "are" : "is")} {ProviderIds()}.");
        }

        if (arguments.ProviderUser.Length > 0)
        {
            return await pendingLinks.LinkAsync(arguments, provider);
        }

        // A link of another provider also counts: it is an orphan of a renamed provider, which this provider would adopt.
        if ((await FindLinksAsync(arguments)).FirstOrDefault() is { } existing)
        {
            return await Terminal.FailAsync(await DescribeExistingLinkAsync(existing, provider));
        }

        (PaperlessUser? found, string? mistake) = await users.FindAsync(arguments.User);
        if (found is not { } user)
        {
            return await Terminal.FailAsync(mistake!);
        }

        AccountLink link = new(
            0,
            arguments.Issuer,
            arguments.Subject,
            provider.Settings.Id,
            arguments.Subject,
            user.Id,
            user.DateJoined ?? "",
            time.GetUtcNow(),
            AssertedAt: DateTimeOffset.UnixEpoch);
        AccountLink added = (await links.AddAsync(link, onlyToFreeUser: false, CancellationToken.None))!;
        if (added.UserId != user.Id)
        {
            // A sign-in has added a link in the meantime.
            return await Terminal.FailAsync(await DescribeExistingLinkAsync(added, provider));
        }

        Linked(user.Username, user.Id, added.Provider, added.Subject, added.Issuer);
        await WriteResultAsync(added, user.Username, $"{user.Username} (user {user.Id}) is now linked to {added.Subject} of {added.Issuer}.", arguments.Json);
        await NamedUsers.WarnOfUselessAsync(user);
        await WarnOfUselessIssuerAsync(link, provider);
        return 0;
    }

    private async Task<int> UnlinkAsync(AccountsArguments arguments)
    {
        AccountLink[] named = [.. (await FindLinksAsync(arguments)).Where(other => arguments.Provider is null || other.Provider == arguments.Provider)];
        if (named.Length > 1)
        {
            string all = string.Join(" and ", named.Select(other => other.Provider));
            return await Terminal.FailAsync($"accounts unlink: --provider is missing; that person is linked at {all}.", Terminal.BadUsage);
        }

        if (named.Length == 0 || await links.RemoveAsync(named[0].Person, CancellationToken.None) is not { } link)
        {
            AccountLink? meant = (await links.ListAllAsync(CancellationToken.None))
                .FirstOrDefault(other => other.Subject == arguments.Subject && other.Issuer != arguments.Issuer);
            string at = arguments.Provider is null ? "" : $" at {arguments.Provider}";
            string hint = meant is null ? "\"accounts list\" shows who is" : $"but that subject is linked at the issuer {meant.Issuer}";
            return await Terminal.FailAsync($"Nobody is linked to {arguments.Subject} of {arguments.Issuer}{at}; {hint}.");
        }

        string? name = await FindUsernameAsync(link);
        Unlinked(name, link.UserId, link.Provider, link.Subject, link.Issuer);
        await WriteResultAsync(link, name, $"{DescribeUser(name, link)} is no longer linked to {link.Subject} of {link.Issuer}.", arguments.Json);

        // After the link is removed: a later sign-in no longer finds it.
        if (await linkedSessions.EndAsync(link) is > 0 and int ended)
        {
            string what = ended == 1 ? "The session that was open has" : $"The {ended} sessions and device passwords that were open have";
            await Terminal.NoteAsync($"{what} ended. {SessionsCommand.Notice}");
        }

        return 0;
    }

    /// <summary>Warns if the provider has another issuer than the link.</summary>
    private static async Task WarnOfUselessIssuerAsync(AccountLink link, Provider provider)
    {
        try
        {
            string issuer = (await provider.Discovery.GetConfigurationAsync(CancellationToken.None)).Issuer;
            if (!TenantIssuer.Matches(issuer, link.Issuer, provider.Settings))
            {
                await Terminal.NoteAsync($"{provider.Settings.Id} calls itself {issuer}, not {link.Issuer}: nobody can sign in with this link. Remove "
                    + "it, and link with the other issuer.");
            }
        }
        catch (ProviderUnavailableException)
        {
            // The issuer cannot be checked without the provider.
        }
    }

    private async Task<IEnumerable<AccountLink>> FindLinksAsync(AccountsArguments arguments) =>
        (await links.ListAllAsync(CancellationToken.None)).Where(link => link.Issuer == arguments.Issuer && link.Subject == arguments.Subject);

    private async Task<string> DescribeExistingLinkAsync(AccountLink link, Provider provider)
    {
        string elsewhere = link.Provider == provider.Settings.Id ? "" : $", at the provider {link.Provider}";
        return $"{link.Subject} of {link.Issuer} is linked to {DescribeUser(await FindUsernameAsync(link), link)} already{elsewhere}. "
            + "Remove that link first with \"accounts unlink\".";
    }

    /// <summary>The name of the linked user; null if the user is gone or Paperless does not answer.</summary>
    private async Task<string?> FindUsernameAsync(AccountLink link)
    {
        try
        {
            return await api.FindUserAsync(link.UserId, CancellationToken.None) is { } user && IsLinkOf(link, user) ? user.Username : null;
        }
        catch (PaperlessApiException)
        {
            return null;
        }
    }

    /// <summary>Compares `date_joined`, too: the id may belong to another user by now.</summary>
    private static bool IsLinkOf(AccountLink link, PaperlessUser user) => user.Id == link.UserId && user.HasJoinedAt(link.Joined);

    private static string DescribeUser(string? name, AccountLink link) => name is null ? $"user {link.UserId}" : $"{name} (user {link.UserId})";

    private string ProviderIds() => string.Join(", ", providers.All.Select(provider => provider.Settings.Id));

    private static string Describe(PaperlessApiException failure) =>
        failure is PaperlessUnavailableException ? $"Paperless cannot be asked: {failure.Message}." : failure.Message;

    private static Task WriteResultAsync(AccountLink link, string? name, string text, bool json) =>
        LinkedAccountText.WriteResultAsync(LinkedAccount.From(link, name), text, json);

    [LoggerMessage(
        EventId = 7040,
        EventName = "AccountLinkedByCommand",
        Level = LogLevel.Information,
        Message = "{User} (user {UserId}) is now linked to {Subject} of {Issuer} at {Provider}, by a command")]
    private partial void Linked(string user, int userId, string provider, string subject, string issuer);

    [LoggerMessage(
        EventId = 7041,
        EventName = "AccountUnlinkedByCommand",
        Level = LogLevel.Information,
        Message = "{User} (user {UserId}) is no longer linked to {Subject} of {Issuer} at {Provider}, by a command")]
    private partial void Unlinked(string? user, int userId, string provider, string subject, string issuer);
}
