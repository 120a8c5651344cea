using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>Writes down that a person is a Paperless user, and says so in the log.</summary>
internal sealed partial class AccountLinking(StoredAccounts links, TimeProvider time, ILogger<SecurityLog> logger)
{
    /// <param name="onlyToFreeUser">Not where anybody is linked to that user, or ever was.</param>
    /// <param name="heardAt">When the provider said what the user has by now.</param>
    /// <param name="how">For the log.</param>
    /// <returns>The person's link as it stands now: this one, or one that was there before; null where the user was not free.</returns>
    public async Task<AccountLink?> LinkAsync(Person person, PaperlessUser user, bool onlyToFreeUser, DateTimeOffset heardAt, string how, CancellationToken cancellationToken)
    {
        AccountLink link = new(0, person.Issuer, person.Subject, person.Provider, person.Label, user.Id, user.DateJoined ?? "", time.GetUtcNow(), heardAt);
        AccountLink? added = await links.AddAsync(link, onlyToFreeUser, cancellationToken);
        if (added?.UserId == user.Id)
        {
            AccountLinked(user.Username, user.Id, person.Provider, person.Subject, person.Issuer, how);
        }

        return added;
    }

    [LoggerMessage(EventId = 7020, EventName = "AccountLinked", Level = LogLevel.Information, Message = "{User} (user {UserId}) is now linked to {Subject} of {Issuer} at {Provider}, {How}")]
    private partial void AccountLinked(string user, int userId, string provider, string subject, string issuer, string how);
}
