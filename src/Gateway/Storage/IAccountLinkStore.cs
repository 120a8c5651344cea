using System.Globalization;

namespace Gateway.Storage;

/// <summary>A person at a provider, and the Paperless user that it is.</summary>
/// <param name="Id">The link's own number; 0 for one that is not stored yet.</param>
/// <param name="Provider">The `provider_id`.</param>
/// <param name="Label">What the person is called at the provider, for people to read.</param>
/// <param name="UserId">Paperless's id of the user.</param>
/// <param name="Joined">`date_joined` of that user, as Paperless wrote it: another user may have the id in another database.</param>
/// <param name="AssertedAt">When the provider said what was last taken over.</param>
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

    /// <summary>How the log names the person.</summary>
    public string NameForLog => $"{Label}, subject {Subject}";
}

/// <summary>The name under which an account is being made for somebody, noted before Paperless is asked to make it.</summary>
/// <param name="Profile">Email and names that the user was to have: by them it is known again.</param>
internal sealed record AccountReservation(PersonKey Person, string Username, string Profile, DateTimeOffset ReservedAt);

/// <summary>
/// Who is whom: account links, the names of accounts that are being made, and the names that the user header has carried. Every member may
/// say <see cref="StoreUnavailableException"/>.
/// </summary>
internal interface IAccountLinkStore
{
    public Task<AccountLink?> FindAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a link of the same issuer and subject, whose provider the settings no longer have, this person's. Only where an issuer has one
    /// provider; not where the person has a link, or several could be meant.
    /// </summary>
    /// <param name="configured">The `provider_id`s of the settings.</param>
    /// <returns>The person's link as it stands now; null where there is none.</returns>
    public Task<AccountLink?> TakeOverAsync(PersonKey person, IReadOnlyCollection<string> configured, CancellationToken cancellationToken);

    /// <summary>The links of one Paperless user, the oldest first.</summary>
    public Task<IReadOnlyList<AccountLink>> OfUserAsync(int userId, CancellationToken cancellationToken);

    /// <summary>All links, the oldest first.</summary>
    public Task<IReadOnlyList<AccountLink>> AllAsync(CancellationToken cancellationToken);

    /// <summary>Adds a link and takes away the person's reservation.</summary>
    /// <param name="onlyToFreeUser">
    /// Not where anybody is linked to that user, or ever was: whoever had it before may have left a password or a token behind.
    /// </param>
    /// <returns>The person's link as it stands now: this one, or one that was there before; null where the user was not free.</returns>
    public Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken);

    /// <returns>What was taken away; null where there is no such link of that user.</returns>
    public Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken);

    /// <returns>What was taken away; null where nobody was linked.</returns>
    public Task<AccountLink?> RemoveAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>Notes when the provider said what was taken over, and what it calls the person; never an older time than is there.</summary>
    public Task NoteAsync(AccountLink link, string label, DateTimeOffset assertedAt, CancellationToken cancellationToken);

    public Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken);

    /// <summary>Paperless has said that it made nothing.</summary>
    public Task DropReservationAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>Whether somebody else's account is being made under that name since <paramref name="since"/>.</summary>
    public Task<bool> IsReservedByAnotherAsync(string username, PersonKey person, DateTimeOffset since, CancellationToken cancellationToken);

    public Task<AccountReservation?> FindReservationAsync(PersonKey person, CancellationToken cancellationToken);

    /// <summary>Notes the user that a name stands for, before the user header carries that name. The last one counts.</summary>
    /// <remarks>Kept for good, one for each name: an account that the header made, or a token of it, does not go away by itself either.</remarks>
    public Task NoteNameAsync(string username, int userId, CancellationToken cancellationToken);

    /// <returns>The user that the header last meant by that name; null where it never carried it.</returns>
    public Task<int?> FindNameAsync(string username, CancellationToken cancellationToken);

    /// <summary>Every name that the header has carried, and the user that it meant.</summary>
    public Task<IReadOnlyDictionary<string, int>> NamesAsync(CancellationToken cancellationToken);
}
