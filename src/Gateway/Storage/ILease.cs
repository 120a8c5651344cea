namespace Gateway.Storage;

/// <summary>A lease allows one gateway at a time to recheck a session. The lease of a gateway that dies expires by the clock of the store.</summary>
internal interface ILease
{
    /// <param name="session">The key of the session.</param>
    /// <returns>False if another gateway has the lease, or if the session has ended.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> TryAcquireLeaseAsync(byte[] session, TimeSpan ttl, CancellationToken cancellationToken);

    /// <summary>Releases the lease, if this gateway still holds it.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task ReleaseLeaseAsync(byte[] session, CancellationToken cancellationToken);

    /// <summary>Whether nobody holds the lease. It does not acquire the lease.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> IsLeaseFreeAsync(byte[] session, CancellationToken cancellationToken);
}
