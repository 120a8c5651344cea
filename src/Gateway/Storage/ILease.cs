namespace Gateway.Storage;

/// <summary>Lets one gateway at a time recheck a session. A lease expires by the store's own clock, so a gateway that dies blocks nobody for long.</summary>
internal interface ILease
{
    /// <param name="session">The session's key.</param>
    /// <returns>False where another gateway has the lease, or the session is gone.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> TryAcquireLeaseAsync(byte[] session, TimeSpan ttl, CancellationToken cancellationToken);

    /// <summary>Gives the lease back, where it is still this gateway's.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task ReleaseLeaseAsync(byte[] session, CancellationToken cancellationToken);

    /// <summary>Looks without acquiring.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> IsLeaseFreeAsync(byte[] session, CancellationToken cancellationToken);
}
