using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Decides who may be matched by name, or by verified email address (`GATEWAY_MATCH_ACCOUNTS`): at a first sign-in, an active account that is
/// neither staff nor superuser, that nobody is or was linked to, and whose name the user header never carried for another user.
/// </summary>
internal sealed partial class UsernameMatch(IAccountLinkStore links, TimeProvider time, ILogger<SecurityLog> logger)
{
    /// <param name="user">The account with the name, or the verified email address, of the person. Its name is locked.</param>
    /// <returns>Whether the account may be matched; if it was switched off, the refusal.</returns>
    public async Task<(bool CanBeMatched, Refusal? Refusal)> CheckAsync(Person person, PaperlessUser user, CancellationToken cancellationToken)
    {
        string name = user.Username;
        if (user.IsStaff || user.IsSuperuser || !Username.CanBeSent(name))
        {
            return (false, null);
        }

        if (await links.IsReservedByAnotherAsync(name, person.Key, time.GetUtcNow() - AccountProvisioning.ReservationTolerance, cancellationToken))
        {
            // Another person's sign-in reserved this name and may have created the user without receiving the answer.
            return (false, null);
        }

        if (!user.IsActive && (await links.FindByUserAsync(user.Id, cancellationToken)).Count == 0)
        {
            // A deactivated person must not get a second account under another name.
            return (false, AccountRefusals.Inactive(person.NameForLog, user.Username));
        }

        return (await CanBeMatchedAsync(user, cancellationToken), null);
    }

    /// <summary>
    /// False where the user header carried the name before: Paperless recreates a deleted user when the header names it, and an open session
    /// may have received that account's API token.
    /// </summary>
    public async Task<bool> CanBeMatchedAsync(PaperlessUser user, CancellationToken cancellationToken)
    {
        if (await links.FindHeaderUserAsync(user.Username, cancellationToken) is { } other)
        {
            NotMatched(user.Username, user.Id, other);
            return false;
        }

        // Links from versions that did not record header names: the linked user usually has the name that the provider sent.
        if ((await links.ListAllAsync(cancellationToken)).FirstOrDefault(link => link.Label == user.Username && !IsOlder(user, link)) is { } link)
        {
            NotMatched(user.Username, user.Id, link.UserId);
            return false;
        }

        return true;
    }

    private static bool IsOlder(PaperlessUser user, AccountLink link) =>
        AccountLink.IsBefore(user.DateJoined, link.LinkedAt - AccountProvisioning.ReservationTolerance);

    [LoggerMessage(
        EventId = 7024,
        EventName = "AccountNotMatched",
        Level = LogLevel.Warning,
        Message = "A first sign-in does not get the account {User} (user {UserId}): user {Other} had this name before, and an open session may have used "
            + "the account. Link it with Connect or \"Gateway accounts link\"")]
    private partial void NotMatched(string user, int userId, int other);
}
