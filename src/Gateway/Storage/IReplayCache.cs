namespace Gateway.Storage;

/// <summary>Remembers tokens that count once, such as logout tokens by their `jti`, for all gateways on the store.</summary>
internal interface IReplayCache
{
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> WasUsedAsync(byte[] hash, CancellationToken cancellationToken);

    /// <returns>False where it was marked before.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> TryMarkUsedAsync(byte[] hash, DateTimeOffset until, CancellationToken cancellationToken);
}
