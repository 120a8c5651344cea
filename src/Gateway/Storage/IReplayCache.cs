namespace Gateway.Storage;

/// <summary>Replay cache: remembers tokens that may be used once, such as logout tokens by their `jti`, for all gateways on the store.</summary>
internal interface IReplayCache
{
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> WasUsedAsync(byte[] hash, CancellationToken cancellationToken);

    /// <returns>False if the token was marked before.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<bool> TryMarkUsedAsync(byte[] hash, DateTimeOffset until, CancellationToken cancellationToken);
}
