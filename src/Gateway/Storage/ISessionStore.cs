namespace Gateway.Storage;

/// <summary>The row of a session: hashes and ciphertext. It gives no access without the value of the cookie.</summary>
/// <param name="Key">SHA-256 of the secret in the cookie.</param>
/// <param name="SidIndex">Hash of provider, issuer and `sid`; null if the provider sent no `sid`.</param>
/// <param name="PersonIndex">Hash of provider, issuer and subject.</param>
/// <param name="Record">The encrypted <see cref="Gateway.Sessions.SessionRecord"/>. Its key is derived from the secret in the cookie.</param>
/// <param name="Info">The encrypted <see cref="Gateway.Sessions.SessionInfo"/>. Its key is a data-protection key of the gateway.</param>
/// <param name="Version">Incremented each time the record is replaced.</param>
internal sealed record StoredSession(
    byte[] Key,
    byte[]? SidIndex,
    byte[] PersonIndex,
    DateTimeOffset UsedAt,
    DateTimeOffset ExpiresAt,
    byte[] Record,
    byte[] Info,
    long Version = 1)
{
    /// <summary>False for a device password: only its expiry and a revocation end it.</summary>
    public bool HasIdleTimeout { get; init; } = true;
}

/// <summary>
/// Stores sessions permanently. Only <see cref="AddAsync"/> creates a row, so no other write can bring back an ended session. A logout leaves a
/// tombstone, which stops a sign-in that began before the logout.
/// </summary>
internal interface ISessionStore
{
    /// <summary>Whether other gateways may use the same store.</summary>
    public bool IsShared { get; }

    /// <summary>Another gateway ended these sessions.</summary>
    public event Action<IReadOnlyList<byte[]>>? EndedElsewhere;

    /// <summary>
    /// The connection was lost, or leads to another server now. Messages about ended sessions may be lost, and so may revocations that this gateway
    /// sent.
    /// </summary>
    public event Action? MessagesLost;

    /// <param name="assertedAt">When the provider's answer came: an end of the person that is younger than it stands against it.</param>
    /// <returns>False where the provider has ended this sign-in meanwhile.</returns>
    public Task<bool> AddAsync(StoredSession session, DateTimeOffset assertedAt, CancellationToken cancellationToken);

    public ValueTask<StoredSession?> FindAsync(byte[] key, CancellationToken cancellationToken);

    /// <summary>Replaces the record of a session that is still there and still at that version.</summary>
    /// <returns>Whether it was replaced.</returns>
    public Task<bool> ReplaceAsync(byte[] key, long version, byte[] record, byte[] info, CancellationToken cancellationToken);

    /// <summary>Stores when sessions were last used. Sessions without a row are ignored.</summary>
    public Task TouchAsync(IReadOnlyCollection<(byte[] Key, DateTimeOffset UsedAt)> uses, CancellationToken cancellationToken);

    /// <summary>Replaces the info for lists. A session without a row is ignored.</summary>
    public Task SetInfoAsync(byte[] key, byte[] info, CancellationToken cancellationToken);

    /// <returns>Whether there was such a session.</returns>
    public Task<bool> RemoveAsync(byte[] key, CancellationToken cancellationToken);

    /// <summary>Removes sessions once more: a store that failed over to a replica of itself may have them again.</summary>
    public Task RemoveAgainAsync(IReadOnlyCollection<byte[]> keys, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends every session of a `sid` or of a person, and leaves a tombstone until <paramref name="until"/>.</summary>
    /// <param name="late">The revocation is sent late: sessions of the person that the provider asserted after <paramref name="at"/> stay.</param>
    /// <returns>The keys of the ended sessions.</returns>
    public Task<IReadOnlyList<byte[]>> EndAllAsync(byte[] index, DateTimeOffset at, DateTimeOffset until, bool late, CancellationToken cancellationToken);

    /// <summary>Whether there may be a session of the `sid` or person.</summary>
    public Task<bool> AnyAsync(byte[] index, CancellationToken cancellationToken);

    /// <summary>The sessions of one person.</summary>
    public Task<IReadOnlyList<StoredSession>> FindByPersonAsync(byte[] personIndex, CancellationToken cancellationToken);

    /// <summary>All sessions, for the operator.</summary>
    public IAsyncEnumerable<StoredSession> ListAllAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The sessions that have no row any more. With SQLite the gateway learns this way which sessions a command ended. A shared store raises
    /// <see cref="EndedElsewhere"/> and may return nothing here.
    /// </summary>
    public Task<IReadOnlyList<byte[]>> FindMissingAsync(IReadOnlyCollection<byte[]> keys, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<byte[]>>([]);

    /// <summary>Removes expired sessions and tombstones.</summary>
    /// <returns>The number of removed sessions.</returns>
    public Task<int> SweepAsync(DateTimeOffset now, TimeSpan idle, CancellationToken cancellationToken);

    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>The store does not answer, or refuses.</summary>
internal sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
