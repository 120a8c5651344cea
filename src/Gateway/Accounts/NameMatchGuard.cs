using Gateway.Paperless;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Keeps accounts from being found by a name that the user header has carried for somebody: Paperless makes a deleted user of that name
/// anew, and an open session may have been given that account's API token.
/// </summary>
internal sealed partial class NameMatchGuard(IAccountLinkStore links, ILogger<SecurityLog> logger)
{
    /// <param name="user">A user that was found by the name, and that nobody may have used under it before.</param>
    public async Task<bool> CanBeMatchedAsync(PaperlessUser user, CancellationToken cancellationToken)
    {
        if (await links.FindHeaderUserAsync(user.Username, cancellationToken) is { } other)
        {
            NotMatched(user.Username, user.Id, other);
            return false;
        }

        // Links of a version that noted no names: the user of a link has mostly the name that the provider gave.
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
        Message = "The account {User} (user {UserId}) is not matched by its name: user {Other} had this name before, and an open session may have used the "
            + "account. Link it with Connect or \"Gateway accounts link\"")]
    private partial void NotMatched(string user, int userId, int other);
}
