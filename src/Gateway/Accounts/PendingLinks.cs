using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Uses the links that the operator made for people who have not signed in yet. The first person at the provider with exactly that user name gets
/// the link, once.
/// </summary>
internal sealed partial class PendingLinks(
    IAccountLinkStore links,
    PaperlessApi api,
    AccountLinking linking,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <param name="person">Somebody without a link.</param>
    /// <returns>The person's link; a refusal if the user cannot sign in, which keeps the pending link; neither where there is none.</returns>
    public async Task<(AccountLink? Link, Refusal? Refusal)> UseAsync(Person person, CancellationToken cancellationToken)
    {
        if (person.ProviderUser is not { } name
            || await links.FindPendingAsync(person.Provider, name, time.GetUtcNow(), cancellationToken) is not { } pending)
        {
            return (null, null);
        }

        PaperlessUser? user = await api.FindUserAsync(pending.UserId, cancellationToken);
        if (user is null || !user.HasJoinedAt(pending.Joined))
        {
            NotUsed(name, person.Provider, pending.UserId);
            return (null, null);
        }

        if (!user.IsActive)
        {
            return (null, AccountRefusals.Inactive(person.NameForLog, user.Username));
        }

        if (!Username.CanBeSent(user.Username))
        {
            return (null, AccountRefusals.NameCannotBeSent(person.NameForLog, user));
        }

        // Before it is used: two people never get it.
        if (!await links.RemovePendingAsync(pending, cancellationToken))
        {
            return (null, null);
        }

        string how = $"by the pending link for the user name {name}";
        return (await linking.LinkAsync(person, user, onlyToFreeUser: false, DateTimeOffset.UnixEpoch, how, cancellationToken), null);
    }

    [LoggerMessage(
        EventId = 7025,
        EventName = "PendingLinkNotUsed",
        Level = LogLevel.Warning,
        Message = "The pending link for the user name {Name} at {Provider} is not used: Paperless no longer has the user {UserId} that it names. Remove it "
            + "with \"Gateway accounts unlink\", and link the person again")]
    private partial void NotUsed(string name, string provider, int userId);
}
