using System.Security.Cryptography;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Leases in Redis, shared by all gateways.</summary>
internal sealed class RedisLease(RedisConnection redis) : ILease
{
    private readonly string _holder = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    public Task<bool> TryAcquireLeaseAsync(byte[] session, TimeSpan ttl, CancellationToken cancellationToken)
    {
        string name = Convert.ToHexStringLower(session);
        RedisKey[] keys = [RedisNames.Session + name, RedisNames.Lease + name];
        return RunAsync(RedisScripts.AcquireLease, keys, [_holder, (long)ttl.TotalMilliseconds], cancellationToken);
    }

    public Task ReleaseLeaseAsync(byte[] session, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.ReleaseLease, [RedisNames.Lease + Convert.ToHexStringLower(session)], [_holder], cancellationToken);

    public Task<bool> IsLeaseFreeAsync(byte[] session, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.IsLeaseFree, [RedisNames.Lease + Convert.ToHexStringLower(session)], [], cancellationToken);

    private async Task<bool> RunAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        (long)await redis.ExecuteAsync(database => database.ScriptEvaluateAsync(script, keys, values, CommandFlags.DemandMaster), cancellationToken) == 1;
}
