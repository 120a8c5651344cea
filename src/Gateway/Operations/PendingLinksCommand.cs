using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>The part of `Gateway accounts` with `--provider-user`: links that wait for a person's first sign-in.</summary>
internal sealed partial class PendingLinksCommand(IAccountLinkStore links, NamedUsers users, TimeProvider time, ILogger<SecurityLog> logger)
{
    public async Task<int> LinkAsync(AccountsArguments arguments, Provider provider)
    {
        (PaperlessUser? found, string? mistake) = await users.FindAsync(arguments.User);
        if (found is not { } user)
        {
            return await Terminal.FailAsync(mistake!);
        }

        DateTimeOffset now = time.GetUtcNow();
        PendingLink pending = new(provider.Settings.Id, arguments.ProviderUser, user.Id, user.DateJoined ?? "", now, now + PendingLink.Ttl);
        await links.AddPendingAsync(pending, CancellationToken.None);
        PendingLinked(user.Username, user.Id, pending.ProviderUser, pending.Provider);
        await LinkedAccountText.WriteResultAsync(
            LinkedAccount.From(pending, user.Username),
            $"The first person who signs in as {pending.ProviderUser} at {pending.Provider} before {Terminal.Time(pending.ExpiresAt)} gets the account "
                + $"{user.Username} (user {user.Id}).",
            arguments.Json);
        await NamedUsers.WarnOfUselessAsync(user);
        return 0;
    }

    public async Task<int> UnlinkAsync(AccountsArguments arguments)
    {
        PendingLink[] named = [.. (await links.ListPendingAsync(time.GetUtcNow(), CancellationToken.None)).Where(other =>
            other.ProviderUser == arguments.ProviderUser && (arguments.Provider is null || other.Provider == arguments.Provider))];
        if (named.Length > 1)
        {
            string all = string.Join(" and ", named.Select(other => other.Provider));
            return await Terminal.FailAsync($"accounts unlink: --provider is missing; that user name is awaited at {all}.", Terminal.BadUsage);
        }

        if (named.Length == 0 || !await links.RemovePendingAsync(named[0], CancellationToken.None))
        {
            return await Terminal.FailAsync($"No link waits for the user name {arguments.ProviderUser}: it was used, or has expired, or \"accounts list\" "
                + "shows another name. A link that was used is removed by --issuer and --subject.");
        }

        PendingUnlinked(named[0].UserId, named[0].ProviderUser, named[0].Provider);
        await LinkedAccountText.WriteResultAsync(
            LinkedAccount.From(named[0], username: null),
            $"No link waits for the user name {named[0].ProviderUser} at {named[0].Provider} any more.",
            arguments.Json);
        return 0;
    }

    [LoggerMessage(
        EventId = 7042,
        EventName = "PendingLinkMade",
        Level = LogLevel.Information,
        Message = "{User} (user {UserId}) will be linked to the first person who signs in as {Name} at {Provider} within a week, by a command")]
    private partial void PendingLinked(string user, int userId, string name, string provider);

    [LoggerMessage(
        EventId = 7043,
        EventName = "PendingLinkRemoved",
        Level = LogLevel.Information,
        Message = "User {UserId} will not be linked to the person who signs in as {Name} at {Provider}: the pending link is removed, by a command")]
    private partial void PendingUnlinked(int userId, string name, string provider);
}
