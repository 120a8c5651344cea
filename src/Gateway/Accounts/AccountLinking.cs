using Gateway.Paperless;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>Finds and stores which Paperless user a person is linked to, and logs each new link.</summary>
internal sealed partial class AccountLinking(IAccountLinkStore links, GatewaySettings settings, TimeProvider time, ILogger<SecurityLog> logger)
{
    /// <summary>Finds the person's link. A link of a removed `provider_id` moves to the configured provider that has the same issuer.</summary>
    /// <param name="person">What the provider has just said, all of it checked: the issuer is its own.</param>
    public async Task<AccountLink?> FindAsync(Person person, CancellationToken cancellationToken)
    {
        if (await links.FindAsync(person.Key, cancellationToken) is { } link)
        {
            return link;
        }

        // A link moves only if no other provider can have this issuer; otherwise the operator decides.
        if (settings.Providers.Any(other => other.Id != person.Provider && TenantIssuer.IsPossible(other, person.Issuer)))
        {
            return null;
        }

        AccountLink? taken = await links.AdoptOrphanAsync(person.Key, [.. settings.Providers.Select(provider => provider.Id)], cancellationToken);
        if (taken is not null)
        {
            TakenOver(taken.UserId, taken.Provider, taken.Subject, taken.Issuer);
        }

        return taken;
    }

    /// <param name="onlyToFreeUser">If true, fails where anybody is, or ever was, linked to that user.</param>
    /// <param name="assertedAt">When the provider said what the user has by now.</param>
    /// <param name="how">For the log.</param>
    /// <returns>The person's link as it stands now: this one, or one that was there before; null where the user was not free.</returns>
    public async Task<AccountLink?> LinkAsync(
        Person person,
        PaperlessUser user,
        bool onlyToFreeUser,
        DateTimeOffset assertedAt,
        string how,
        CancellationToken cancellationToken)
    {
        AccountLink link = new(0, person.Issuer, person.Subject, person.Provider, person.Label, user.Id, user.DateJoined ?? "", time.GetUtcNow(), assertedAt);
        AccountLink? added = await links.AddAsync(link, onlyToFreeUser, cancellationToken);
        if (added?.UserId == user.Id)
        {
            AccountLinked(user.Username, user.Id, person.Provider, person.Subject, person.Issuer, how);
        }

        return added;
    }

    [LoggerMessage(
        EventId = 7023,
        EventName = "LinkTakenOver",
        Level = LogLevel.Information,
        Message = "The account link of user {UserId} to {Subject} of {Issuer} moved to the provider {Provider}: its old provider_id is no longer "
            + "configured, and the issuer is the same")]
    private partial void TakenOver(int userId, string provider, string subject, string issuer);

    [LoggerMessage(
        EventId = 7020,
        EventName = "AccountLinked",
        Level = LogLevel.Information,
        Message = "{User} (user {UserId}) is now linked to {Subject} of {Issuer} at {Provider}, {How}")]
    private partial void AccountLinked(string user, int userId, string provider, string subject, string issuer, string how);
}
