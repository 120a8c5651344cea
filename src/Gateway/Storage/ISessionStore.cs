namespace Gateway.Storage;

/// <summary>One session as it is kept: hashes and ciphertext, nothing that opens a session without the cookie's value.</summary>
/// <param name="Key">SHA-256 of the cookie's value.</param>
/// <param name="SidIndex">Hash of provider, issuer and `sid`; null where the provider gave none.</param>
/// <param name="PersonIndex">Hash of provider, issuer and subject.</param>
/// <param name="Record">Encrypted under a key that only the cookie's value gives.</param>
/// <param name="Info">What lists of sessions show, protected with the gateway's own keys.</param>
/// <param name="Version">Counts the times that the record was replaced.</param>
internal sealed record StoredSession(
    byte[] Key,
    byte[]? SidIndex,
    byte[] PersonIndex,
    DateTimeOffset UsedAt,
    DateTimeOffset ExpiresAt,
    byte[] Record,
    byte[] Info,
    long Version = 1);

/// <summary>
/// Where sessions outlive the process. Only <see cref="AddAsync"/> makes a row, so no later write brings back one that was ended;
/// and an end leaves a mark behind that stops a sign-in that was under way.
/// </summary>
internal interface ISessionStore
{
    /// <summary>Whether other gateways use the same store.</summary>
    public bool IsShared { get; }

    /// <summary>Sessions that another replica ended.</summary>
    public event Action<IReadOnlyList<byte[]>>? EndedElsewhere;

    /// <summary>The connection was away, or leads to another server now: ends may not have been heard of, and even those made here may be lost.</summary>
    public event Action? MayHaveMissed;

    /// <param name="assertedAt">When the provider's answer came: an end of the person that is younger than it stands against it.</param>
    /// <returns>False where the provider has ended this sign-in meanwhile.</returns>
    public Task<bool> AddAsync(StoredSession session, DateTimeOffset assertedAt, CancellationToken cancellationToken);

    public ValueTask<StoredSession?> FindAsync(byte[] key, CancellationToken cancellationToken);

    /// <summary>Replaces the record of a session that is still there and still at that version.</summary>
    /// <returns>Whether it was replaced.</returns>
    public Task<bool> ReplaceAsync(byte[] key, long version, byte[] record, byte[] info, CancellationToken cancellationToken);

    /// <summary>Notes when sessions were last used; what is gone stays gone.</summary>
    public Task TouchAsync(IReadOnlyCollection<(byte[] Key, DateTimeOffset UsedAt)> uses, CancellationToken cancellationToken);

    /// <returns>Whether there was such a session.</returns>
    public Task<bool> RemoveAsync(byte[] key, CancellationToken cancellationToken);

    /// <summary>Removes again what was removed before: a store that failed over to a copy of itself may have it once more.</summary>
    public Task RemoveAgainAsync(IReadOnlyCollection<byte[]> keys, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends every session of a `sid` or of a person, and marks it as ended until <paramref name="until"/>.</summary>
    /// <param name="late">The end is told some time after it came: what of that person the provider spoke of after <paramref name="at"/> stays.</param>
    /// <returns>The keys of those that were there.</returns>
    public Task<IReadOnlyList<byte[]>> EndAllAsync(byte[] index, DateTimeOffset at, DateTimeOffset until, bool late, CancellationToken cancellationToken);

    /// <summary>Whether there may be a session of that `sid` or person; it writes nothing.</summary>
    public Task<bool> AnyAsync(byte[] index, CancellationToken cancellationToken);

    /// <summary>The sessions of one person.</summary>
    public Task<IReadOnlyList<StoredSession>> OfPersonAsync(byte[] personIndex, CancellationToken cancellationToken);

    /// <summary>Every session, for the operator.</summary>
    public IAsyncEnumerable<StoredSession> AllAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Which of these sessions have no row any more. A gateway that is alone on its store learns by it what a command ended;
    /// a shared store tells by <see cref="EndedElsewhere"/> and need not answer.
    /// </summary>
    public Task<IReadOnlyList<byte[]>> WithoutRowAsync(IReadOnlyCollection<byte[]> keys, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<byte[]>>([]);

    /// <summary>Removes what no request may use any more, and marks that have served their time.</summary>
    /// <returns>How many sessions went.</returns>
    public Task<int> SweepAsync(DateTimeOffset now, TimeSpan idle, CancellationToken cancellationToken);

    /// <exception cref="StoreUnavailableException">It does not answer.</exception>
    public Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>The store does not answer at the moment.</summary>
internal sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
