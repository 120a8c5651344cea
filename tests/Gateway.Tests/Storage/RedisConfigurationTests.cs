using System.Security.Cryptography;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Storage;

/// <summary>Over TLS, with a certificate of an authority that only `SERedis_IssuerCertPath` names, and as a user that may do little.</summary>
[Needs(RealPart.Redis)]
public sealed class RedisWithTlsSessionStoreTests : SessionStoreContract
{
    private protected override async Task<StoreUnderTest> StartAsync()
    {
        Environment.SetEnvironmentVariable("SERedis_IssuerCertPath", PrivateAuthority.AuthorityFile);
        return await RedisUnderTest.StartAsync(await RedisServer.StartWithTlsAsync());
    }
}

/// <summary>In a cluster a script that touches keys of two slots is refused.</summary>
[Needs(RealPart.Redis)]
public sealed class RedisClusterSessionStoreTests : SessionStoreContract
{
    private protected override async Task<StoreUnderTest> StartAsync() => await RedisUnderTest.StartAsync(await RedisServer.StartClusterAsync());
}

[Needs(RealPart.Redis)]
public sealed class RedisClusterAccountStoreTests : AccountStoreContract
{
    private protected override async Task<StoreUnderTest> StartAsync() => await RedisUnderTest.StartAsync(await RedisServer.StartClusterAsync());
}

[Needs(RealPart.Process, RealPart.Redis)]
public sealed class RedisConfigurationTests
{
    [Fact]
    public async Task A_certificate_of_an_unknown_authority_is_refused()
    {
        await using RedisServer server = await RedisServer.StartWithTlsAsync();
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = new(world.Settings()) { ["GATEWAY_REDIS_URL"] = server.Url };

        (int unknown, string output, string errors) = await ProgramProcess.RunAsync(
            "Gateway",
            ["sessions", "list"],
            new Dictionary<string, string?>(settings) { ["SERedis_IssuerCertPath"] = null });
        (int trusted, _, _) = await ProgramProcess.RunAsync(
            "Gateway",
            ["sessions", "list"],
            new Dictionary<string, string?>(settings) { ["SERedis_IssuerCertPath"] = PrivateAuthority.AuthorityFile });
        (int system, _, _) = await ProgramProcess.RunAsync(
            "Gateway",
            ["sessions", "list"],
            new Dictionary<string, string?>(settings) { ["SERedis_IssuerCertPath"] = null, ["SSL_CERT_FILE"] = PrivateAuthority.AuthorityFile });

        Assert.Equal((1, 0, 0), (unknown, trusted, system));
        Assert.Contains("GATEWAY_REDIS_URL: there is no connection to Redis at 127.0.0.1:", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("a secret", output + errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Redis_configured_without_persistence_or_with_eviction_gives_a_warning_at_the_start()
    {
        await using RedisServer safe = await RedisServer.StartAsync(keeps: true);
        await using RedisServer forgets = await RedisServer.StartAsync();
        await forgets.AskAsync("CONFIG SET maxmemory 100mb");
        await forgets.AskAsync("CONFIG SET maxmemory-policy allkeys-lru");

        foreach (RedisServer server in new[] { safe, forgets })
        {
            await using World world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = server.Url);
            int expected = server == safe ? 0 : 1;
            Assert.Equal((expected, expected), (world.Log.Of("RedisForgets").Count, world.Log.Of("RedisEvicts").Count));
        }
    }

    [Theory]
    [InlineData(10, -10)]
    [InlineData(-10, 10)]
    [InlineData(0, 60)]
    public async Task The_order_of_events_does_not_depend_on_the_clocks_of_the_replicas(int minutesAtOne, int minutesAtTheOther)
    {
        await using RedisUnderTest redis = await RedisUnderTest.StartAsync();
        FakeTimeProvider clockOfOne = new(DateTimeOffset.UtcNow.AddMinutes(minutesAtOne));
        FakeTimeProvider clockOfOther = new(DateTimeOffset.UtcNow.AddMinutes(minutesAtTheOther));
        ISessionStore one = redis.AnotherReplica(clockOfOne);
        ISessionStore other = redis.AnotherReplica(clockOfOther);
        byte[] person = RandomNumberGenerator.GetBytes(32);

        DateTimeOffset heardBefore = clockOfOne.GetUtcNow();
        clockOfOne.Advance(TimeSpan.FromSeconds(30));
        await other.EndAllAsync(person, clockOfOther.GetUtcNow(), clockOfOther.GetUtcNow().AddHours(1), late: false, StoreUnderTest.Ct);
        Assert.False(await one.AddAsync(New(person, clockOfOne), heardBefore, StoreUnderTest.Ct), "The sign-in was under way when the person was signed out.");

        // Not in the millisecond of the end.
        await Wait.UntilAsync(
            () => one.AddAsync(New(person, clockOfOne), clockOfOne.GetUtcNow(), StoreUnderTest.Ct),
            "A sign-in after the end begins a session.");
    }

    private static StoredSession New(byte[] person, TimeProvider clock) =>
        new(RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(32), person, clock.GetUtcNow(), clock.GetUtcNow().AddHours(8), [1], [2]);
}
