using System.Globalization;

namespace Gateway.Storage;

/// <summary>Links a person at a provider to a Paperless user.</summary>
/// <param name="Id">The number of the link; 0 for a link that is not stored yet.</param>
/// <param name="Provider">The `provider_id`.</param>
/// <param name="Label">The name of the person at the provider, for display.</param>
/// <param name="UserId">The id of the user in Paperless.</param>
/// <param name="Joined">`date_joined` of the user, as Paperless sent it. In another database another user may have the same id.</param>
/// <param name="AssertedAt">When the provider made the claims that were last copied to the account.</param>
internal sealed record AccountLink(
    long Id,
    string Issuer,
    string Subject,
    string Provider,
    string Label,
    int UserId,
    string Joined,
    DateTimeOffset LinkedAt,
    DateTimeOffset AssertedAt)
{
    public PersonKey Person => new(Provider, Issuer, Subject);

    /// <summary>Whether the user joined Paperless before the link was made, rather than for it.</summary>
    /// <param name="tolerance">How far Paperless's clock may be off.</param>
    public bool JoinedBefore(TimeSpan tolerance) => IsBefore(Joined, LinkedAt - tolerance);

    /// <param name="joined">A `date_joined` as Paperless writes it; false where it cannot be read.</param>
    public static bool IsBefore(string? joined, DateTimeOffset time) =>
        DateTimeOffset.TryParse(joined, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at) && at < time;

    /// <summary>The name of the person in the log.</summary>
    public string NameForLog => $"{Label}, subject {Subject}";
}

/// <summary>Reserves a user name for a person. It is stored before the gateway asks Paperless to create the account.</summary>
/// <param name="Profile">The email and names of the new account. The gateway recognises the account by them if the answer of Paperless is lost.</param>
internal sealed record AccountReservation(PersonKey Person, string Username, string Profile, DateTimeOffset ReservedAt);

/// <summary>A link that the operator made for a person who has not signed in yet. It is for one sign-in.</summary>
/// <param name="ProviderUser">The user name of the person, exactly as the provider sends it.</param>
/// <param name="Joined">`date_joined` of the user in Paperless, as in <see cref="AccountLink"/>.</param>
internal sealed record PendingLink(string Provider, string ProviderUser, int UserId, string Joined, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt)
{
    public static readonly TimeSpan Ttl = TimeSpan.FromDays(7);
}

/// <summary>
/// Stores account links, links for people who have not signed in yet, reservations of accounts that are being created, and the user names that the
/// user header has carried. Every member may throw <see cref="StoreUnavailableException"/>.
/// </summary>
internal interface IAccountLinkStore
{
    public Task<AccountLink?> FindAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>
    /// Gives the person an orphaned link: a link of the same issuer and subject whose provider is no longer configured, for example because its
    /// `provider_id` was renamed. Does nothing if the person has a link or if there is more than one such link.
    /// </summary>
    /// <param name="configured">The `provider_id`s of the settings.</param>
    /// <returns>The link of the person; null if there is none.</returns>
    public Task<AccountLink?> AdoptOrphanAsync(PersonKey person, IReadOnlyCollection<string> configured, CancellationToken cancellationToken);

    /// <summary>The links of one Paperless user, oldest first.</summary>
    public Task<IReadOnlyList<AccountLink>> FindByUserAsync(int userId, CancellationToken cancellationToken);

    /// <summary>All links, oldest first.</summary>
    public Task<IReadOnlyList<AccountLink>> ListAllAsync(CancellationToken cancellationToken);

    /// <summary>Adds a link and removes the reservation of the person.</summary>
    /// <param name="onlyToFreeUser">
    /// True: the link is not added if anyone is, or ever was, linked to the user. An earlier person may still have a password or a token of the user.
    /// </param>
    /// <returns>The link of the person, which may have existed before; null if the user was not free.</returns>
    public Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken);

    /// <returns>The removed link; null if the user has no such link.</returns>
    public Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken);

    /// <returns>The removed link; null if the person had none.</returns>
    public Task<AccountLink?> RemoveAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>Stores when the provider made the claims that were copied, and the name of the person. An older time is ignored.</summary>
    public Task UpdateAssertionAsync(AccountLink link, string label, DateTimeOffset assertedAt, CancellationToken cancellationToken);

    /// <summary>Adds a pending link. It replaces an earlier one for the same user name at the provider.</summary>
    public Task AddPendingAsync(PendingLink pending, CancellationToken cancellationToken);

    /// <returns>Null if there is none for exactly this user name, or if it has expired.</returns>
    public Task<PendingLink?> FindPendingAsync(string provider, string providerUser, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>All pending links that have not expired, by provider and user name.</summary>
    public Task<IReadOnlyList<PendingLink>> ListPendingAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Removes exactly this pending link, and not a later one for the same user name.</summary>
    /// <returns>False if it is used, removed or replaced already: of several callers one gets true.</returns>
    public Task<bool> RemovePendingAsync(PendingLink pending, CancellationToken cancellationToken);

    public Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken);

    /// <summary>Removes a reservation, because Paperless did not create the account.</summary>
    public Task RemoveReservationAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>Whether another person reserved the user name at <paramref name="since"/> or later.</summary>
    public Task<bool> IsReservedByAnotherAsync(string username, PersonKey person, DateTimeOffset since, CancellationToken cancellationToken);

    public Task<AccountReservation?> FindReservationAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>Stores which user a name means, before the user header carries the name. It replaces an earlier user of the name.</summary>
    /// <remarks>Entries are never deleted: an account that Paperless created because of the header, or its token, does not expire either.</remarks>
    public Task SaveHeaderNameAsync(string username, int userId, CancellationToken cancellationToken);

    /// <returns>The user that the name last meant in the user header; null if the header never carried the name.</returns>
    public Task<int?> FindHeaderUserAsync(string username, CancellationToken cancellationToken);

    /// <summary>Every name that the user header has carried, with the user that it meant.</summary>
    public Task<IReadOnlyDictionary<string, int>> ListHeaderNamesAsync(CancellationToken cancellationToken);
}
