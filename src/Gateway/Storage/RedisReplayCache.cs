using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>The replay cache in Redis. Each used token is a key that expires.</summary>
internal sealed class RedisReplayCache(RedisConnection redis, TimeProvider time) : IReplayCache
{
    public Task<bool> WasUsedAsync(byte[] hash, CancellationToken cancellationToken) =>
        redis.ExecuteAsync(database => database.KeyExistsAsync(Key(hash), CommandFlags.DemandMaster), cancellationToken);

    public Task<bool> TryMarkUsedAsync(byte[] hash, DateTimeOffset until, CancellationToken cancellationToken)
    {
        double ttl = Math.Max((until - time.GetUtcNow()).TotalMilliseconds, 1);
        return redis.ExecuteAsync(database => database.StringSetAsync(Key(hash), 1, TimeSpan.FromMilliseconds(ttl), When.NotExists), cancellationToken);
    }

    private static RedisKey Key(byte[] hash) => RedisNames.UsedToken + Convert.ToHexStringLower(hash);
}
