using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>The counters of failed credentials that all gateways on one Redis share. Each counter is a key that expires.</summary>
internal sealed class RedisFailures(RedisConnection redis)
{
    /// <exception cref="StoreUnavailableException">Redis does not answer.</exception>
    public async Task<FailureCount[]> ReadAsync(string[] counters)
    {
        RedisResult[] answer = (RedisResult[])(await RunAsync(RedisScripts.ReadFailures, counters, []))!;
        return [.. counters.Select((_, at) => new FailureCount((long)answer[at * 2], TimeSpan.FromMilliseconds((long)answer[(at * 2) + 1])))];
    }

    /// <summary>Adds one to each counter. A new counter, and one that reaches the limit, lasts for <paramref name="window"/> from now.</summary>
    /// <returns>The new counts.</returns>
    /// <exception cref="StoreUnavailableException">Redis does not answer.</exception>
    public async Task<long[]> AddAsync(string[] counters, int limit, TimeSpan window) =>
        (long[])(await RunAsync(RedisScripts.AddFailure, counters, [limit, (long)window.TotalMilliseconds]))!;

    /// <summary>Removes one counter, if any, and sets another one to one for some time from now.</summary>
    /// <exception cref="StoreUnavailableException">Redis does not answer.</exception>
    public Task<bool[]> ReplaceAsync(string? removed, string kept, TimeSpan ttl) => redis.ExecuteAsync(
        database => Task.WhenAll(
            removed is null ? Task.FromResult(false) : database.KeyDeleteAsync(Key(removed)),
            database.StringSetAsync(Key(kept), 1, ttl)),
        CancellationToken.None);

    private Task<RedisResult> RunAsync(string script, string[] counters, RedisValue[] values) => redis.ExecuteAsync(
        database => database.ScriptEvaluateAsync(script, [.. counters.Select(Key)], values, CommandFlags.DemandMaster),
        CancellationToken.None);

    private static RedisKey Key(string counter) => RedisNames.FailedCredentials + counter;
}
