using System.Net;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>Several gateways on one Redis count failed passwords and tokens together.</summary>
[Needs(RealPart.Process, RealPart.Redis)]
public sealed class FailedLoginStoreTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private World _world = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _world = await FailedLoginClient.StartWorldAsync(configure: options => options.Settings["GATEWAY_REDIS_URL"] = _redis.Url);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Two_gateways_on_one_Redis_count_an_address_together_and_log_one_line()
    {
        await using Replica replica = await _world.StartReplicaAsync();
        using FailedLoginClient here = new(_world, "198.51.100.1");
        using FailedLoginClient there = new(replica.NewVisitor(), _world, "198.51.100.1");
        await here.FailAsync(5);
        await there.FailAsync(5);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await here.WithTokenAsync("wrong")).Status);
        Page refused = await there.WithTokenAsync("wrong");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.InRange(int.Parse(refused.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 300);
        Assert.Empty(_world.Log.Of("AddressBlocked"));
        Assert.Single(replica.Log.Of("AddressBlocked"));
    }

    [Fact]
    public async Task A_success_at_one_gateway_makes_the_address_known_to_the_other()
    {
        await using Replica replica = await _world.StartReplicaAsync();
        using FailedLoginClient attacker = new(_world, "198.51.100.1");
        using FailedLoginClient here = new(_world, "203.0.113.1");
        using FailedLoginClient there = new(replica.NewVisitor(), _world, "203.0.113.1");
        await here.FailAsync(1, "alice");
        Assert.Equal(HttpStatusCode.OK, (await here.GetTokenAsync("alice", "alice")).Status);
        await attacker.FailAsync(9, "alice");

        await there.FailAsync(2, "alice");
        Assert.Equal(HttpStatusCode.OK, (await there.GetTokenAsync("alice", "alice")).Status);
    }

    [Fact]
    public async Task While_Redis_is_unavailable_each_gateway_counts_alone()
    {
        using FailedLoginClient guesser = new(_world, "198.51.100.1");
        await guesser.FailAsync(5);
        await _redis.KillAsync();
        await guesser.FailAsync(5);

        Page refused = await guesser.WithTokenAsync("wrong");
        Assert.Equal((HttpStatusCode.TooManyRequests, "300"), (refused.Status, refused.Header("Retry-After")));
        Assert.Single(_world.Log.Of("AddressBlocked"));
    }

    [Fact]
    public async Task The_keys_in_Redis_expire_and_contain_neither_addresses_nor_user_names()
    {
        using FailedLoginClient guesser = new(_world, "198.51.100.1");
        await guesser.FailAsync(1, "alice");

        string[] keys = (await _redis.AskAsync($"KEYS {RedisNames.FailedCredentials}*")).Split("\r\n")
            .Where(line => line.Contains(RedisNames.FailedCredentials, StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, keys.Length);
        foreach (string key in keys)
        {
            Assert.Matches(@"\A\{pgw\}:f:[0-9a-f]{32}\z", key);
            string left = (await _redis.AskAsync($"PTTL {key}")).Trim().TrimStart(':');
            Assert.InRange(int.Parse(left, System.Globalization.CultureInfo.InvariantCulture), 1, 300_000);
        }
    }

    [Fact]
    public async Task Unreadable_counters_in_Redis_count_as_absent()
    {
        using FailedLoginClient guesser = new(_world, "198.51.100.1");
        await guesser.FailAsync(1);
        string key = (await _redis.AskAsync($"KEYS {RedisNames.FailedCredentials}*")).Split("\r\n")
            .Single(line => line.Contains(RedisNames.FailedCredentials, StringComparison.Ordinal));
        foreach (string spoil in (string[])[$"SET {key} x PX 100000", $"SET {key} 5", $"SADD {key} 1"])
        {
            await _redis.AskAsync($"DEL {key}");
            await _redis.AskAsync(spoil);
            await guesser.FailAsync(1);
        }

        Assert.Equal("1", (await _redis.AskAsync($"GET {key}")).Split("\r\n")[1]);
    }
}
