using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>`Gateway accounts import` takes over the links that Paperless's own OpenID Connect made.</summary>
internal sealed partial class AccountsImport(
    IAccountLinkStore links,
    PaperlessApi api,
    ProviderRegistry providers,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <returns>The exit code: 1 if anything was left out.</returns>
    /// <exception cref="PaperlessApiException">Paperless could not be asked.</exception>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<int> RunAsync(string file, bool json)
    {
        AccountsExport exported;
        try
        {
            exported = await ExportedAccounts.ReadAsync(file);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return await Terminal.FailAsync($"accounts import: {file} cannot be used: {error.Message.TrimEnd('.')}. It must be the output of \"manage.py "
                + "dumpdata socialaccount.socialaccount\", or manifest.json of a document_exporter.");
        }

        IReadOnlyList<PaperlessUser> users = await api.ListUsersAsync(CancellationToken.None);
        List<LinkedAccount> imported = [];
        int known = 0;
        int leftOut = 0;
        foreach (ExportedAccount account in exported.Accounts)
        {
            (AccountLink? link, string? reason) = await FindLinkAsync(account, exported.Joined.GetValueOrDefault(account.UserId), users);
            if (link is null)
            {
                await Terminal.NoteAsync($"Left out: {account}: {reason}.");
                leftOut++;
                continue;
            }

            bool wasThere = await links.FindAsync(link.Person, CancellationToken.None) is not null;
            AccountLink added = (await links.AddAsync(link, onlyToFreeUser: false, CancellationToken.None))!;
            if (added.UserId != link.UserId || added.Joined != link.Joined)
            {
                await Terminal.NoteAsync($"Left out: {account}: that person is linked to user {added.UserId} already.");
                leftOut++;
            }
            else if (wasThere)
            {
                known++;
            }
            else
            {
                string name = users.First(user => user.Id == link.UserId).Username;
                Imported(name, added.UserId, added.Provider, added.Subject, added.Issuer);
                imported.Add(LinkedAccount.From(added, name));
            }
        }

        await Console.Out.WriteLineAsync(json
            ? LinkedAccountText.Json([.. imported])
            : $"{imported.Count} links imported; {known} were there already; {leftOut} left out.");
        return leftOut == 0 ? 0 : Terminal.Failure;
    }

    /// <returns>The link that the account becomes, or why it becomes none, as the end of a sentence.</returns>
    /// <param name="joined">When the user joined, as the export says; null where it does not.</param>
    private async Task<(AccountLink? Link, string? Reason)> FindLinkAsync(ExportedAccount account, string? joined, IReadOnlyList<PaperlessUser> users)
    {
        if (providers.Find(account.Provider) is not { } provider)
        {
            return (null, $"the settings have no provider {account.Provider}");
        }

        if (users.FirstOrDefault(user => user.Id == account.UserId) is not { } user)
        {
            return (null, "Paperless has no such user");
        }

        if (joined is not null && !user.HasJoinedAt(joined))
        {
            return (null, $"user {account.UserId} of this Paperless is another one: {user.Username} joined at another time than the export says");
        }

        string subject = account.Subject ?? account.Uid;
        (string? issuer, string? reason) = await FindIssuerAsync(account, provider);
        return issuer is null
            ? (null, reason)
            : (new AccountLink(
                0,
                issuer,
                subject,
                provider.Settings.Id,
                subject,
                user.Id,
                user.DateJoined ?? "",
                time.GetUtcNow(),
                AssertedAt: DateTimeOffset.UnixEpoch), null);
    }

    /// <returns>The provider's issuer, or why it is not known, as the end of a sentence.</returns>
    private static async Task<(string? Issuer, string? Reason)> FindIssuerAsync(ExportedAccount account, Provider provider)
    {
        string issuer;
        try
        {
            issuer = (await provider.Discovery.GetConfigurationAsync(CancellationToken.None)).Issuer;
        }
        catch (ProviderUnavailableException)
        {
            return (null, $"{provider.Settings.Id} does not say its issuer at the moment; run the command again when it does");
        }

        if (TenantIssuer.IsTemplate(issuer))
        {
            return account.Issuer is { } tenant && TenantIssuer.Matches(issuer, tenant, provider.Settings)
                ? (tenant, null)
                : (null, "the export does not name an issuer of a tenant in GATEWAY_ALLOWED_TENANTS");
        }

        // authentik's issuer mode may have changed; another host or application is another provider.
        return account.Issuer is null || account.Issuer == issuer || IssuerRule.IsAllowed(provider.Settings.DiscoveryUrl, account.Issuer)
            ? (issuer, null)
            : (null, $"Paperless linked it at the issuer {account.Issuer}, and {provider.Settings.Id} calls itself {issuer}");
    }

    [LoggerMessage(
        EventId = 7044,
        EventName = "AccountImported",
        Level = LogLevel.Information,
        Message = "{User} (user {UserId}) is now linked to {Subject} of {Issuer} at {Provider}: imported from Paperless's own link, by a command")]
    private partial void Imported(string user, int userId, string provider, string subject, string issuer);
}
