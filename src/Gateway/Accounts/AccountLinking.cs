using Gateway.Paperless;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>Finds which Paperless user a person is, writes it down, and says so in the log.</summary>
internal sealed partial class AccountLinking(IAccountLinkStore links, GatewaySettings settings, TimeProvider time, ILogger<SecurityLog> logger)
{
    /// <summary>The person's link; a link of a `provider_id` that the settings no longer have goes over to the provider that has its issuer now.</summary>
    /// <param name="person">What the provider has just said, all of it checked: the issuer is its own.</param>
    public async Task<AccountLink?> FindAsync(Person person, CancellationToken cancellationToken)
    {
        if (await links.FindAsync(person.Key, cancellationToken) is { } link)
        {
            return link;
        }

        // Safe because an issuer has one provider: where another one could turn out to have it as well, the operator decides.
        if (settings.Providers.Any(other => other.Id != person.Provider && IssuerRule.IsAllowed(other.DiscoveryUrl, person.Issuer)))
        {
            return null;
        }

        AccountLink? taken = await links.TakeOverAsync(person.Key, [.. settings.Providers.Select(provider => provider.Id)], cancellationToken);
        if (taken is not null)
        {
            TakenOver(taken.UserId, taken.Provider, taken.Subject, taken.Issuer);
        }

        return taken;
    }

    /// <param name="onlyToFreeUser">Not where anybody is linked to that user, or ever was.</param>
    /// <param name="assertedAt">When the provider said what the user has by now.</param>
    /// <param name="how">For the log.</param>
    /// <returns>The person's link as it stands now: this one, or one that was there before; null where the user was not free.</returns>
    public async Task<AccountLink?> LinkAsync(Person person, PaperlessUser user, bool onlyToFreeUser, DateTimeOffset assertedAt, string how, CancellationToken cancellationToken)
    {
        AccountLink link = new(0, person.Issuer, person.Subject, person.Provider, person.Label, user.Id, user.DateJoined ?? "", time.GetUtcNow(), assertedAt);
        AccountLink? added = await links.AddAsync(link, onlyToFreeUser, cancellationToken);
        if (added?.UserId == user.Id)
        {
            AccountLinked(user.Username, user.Id, person.Provider, person.Subject, person.Issuer, how);
        }

        return added;
    }

    [LoggerMessage(EventId = 7023, EventName = "LinkTakenOver", Level = LogLevel.Information, Message = "The link of user {UserId} to {Subject} of {Issuer} now belongs to the provider {Provider}: its own provider_id is no longer in the settings, and the issuer is the same")]
    private partial void TakenOver(int userId, string provider, string subject, string issuer);

    [LoggerMessage(EventId = 7020, EventName = "AccountLinked", Level = LogLevel.Information, Message = "{User} (user {UserId}) is now linked to {Subject} of {Issuer} at {Provider}, {How}")]
    private partial void AccountLinked(string user, int userId, string provider, string subject, string issuer, string how);
}
