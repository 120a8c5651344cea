using System.Net;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace Gateway.Tests.Sessions;

/// <summary>Lost Redis connections, failovers and changes of the data protection keys with two replicas.</summary>
[Needs(RealPart.Redis)]
public sealed class RedisFailoverTests
{
    [Fact]
    public async Task After_a_lost_Redis_connection_cached_sessions_are_read_again()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
        using Visitor alice = await world.SignedInAsync("alice");
        byte[] key = Assert.Single(await world.Gateway.Services.GetRequiredService<ISessionStore>().KeysAsync());

        // As if another replica had ended it, and the message had come while nobody was connected to hear it.
        await redis.AskAsync($"DEL {RedisNames.Session}{Convert.ToHexStringLower(key)}");
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        await redis.AskAsync("CLIENT KILL TYPE pubsub");
        await world.Log.WaitForAsync("RedisRestored");

        await world.UntilAsync(async () => (await alice.FetchAsync("/api/documents/")).Status == HttpStatusCode.Unauthorized, "The store is asked at once.");
    }

    [Fact]
    public async Task After_a_Sentinel_failover_people_stay_signed_in_and_ended_sessions_stay_ended()
    {
        await using RedisServer first = await RedisServer.StartAsync();
        await using RedisServer second = await RedisServer.StartReplicaAsync(first);
        await using RedisServer sentinel = await RedisServer.StartSentinelAsync(first);
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_REDIS_URL"] = $"127.0.0.1:{sentinel.Port},serviceName={RedisServer.ServiceName}";
        });
        await world.UntilAsync(
            async () => (await sentinel.AskAsync("SENTINEL REPLICAS main")).Contains($"{second.Port}", StringComparison.Ordinal)
                && (await second.AskAsync("INFO replication")).Contains("master_link_status:up", StringComparison.Ordinal),
            "The replica is ready.");
        world.StartGateway();
        await using Replica other = await world.StartReplicaAsync();
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        using Visitor bobThere = other.Sent(bob);
        Assert.Equal(HttpStatusCode.OK, (await bobThere.FetchAsync("/api/documents/")).Status);
        IReadOnlyList<byte[]> keys = await store.KeysAsync();
        Assert.Equal(2, keys.Count);
        await world.UntilAsync(
            async () => (await second.AskAsync($"EXISTS {string.Join(' ', keys.Select(key => $"{RedisNames.Session}{Convert.ToHexStringLower(key)}"))}"))
                .StartsWith(":2", StringComparison.Ordinal),
            "The replica has both.");

        await first.KillAsync();
        await world.UntilAsync(async () => (await second.AskAsync("ROLE")).Contains("master", StringComparison.Ordinal), "The replica takes over.");
        await world.StoreIsBackAsync();

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        using Visitor again = await world.SignedInAsync("alice");
        Assert.Equal(HttpStatusCode.SeeOther, (await bob.OpenAsync("/accounts/logout/", "same-origin")).Status);
        await world.UntilAsync(
            async () => (await bobThere.FetchAsync("/api/documents/")).Status == HttpStatusCode.Unauthorized,
            "The other gateway hears of it.");
        Assert.Equal(2, (await store.KeysAsync()).Count);
    }

    [Fact]
    public async Task Gateways_that_start_concurrently_on_an_empty_Redis_share_the_same_keys()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_REDIS_URL"] = redis.Url;
        });
        await using Replica other = new(world, World.FreePort());
        await Task.WhenAll(Task.Run(world.StartGateway, World.Ct), Task.Run(other.Start, World.Ct));
        world.Provider.SignsInAs = "alice";

        await CrossAsync(world, other);

        Assert.Equal(":1", (await redis.AskAsync($"LLEN {RedisNames.Prefix}keys")).Trim());

        // One that begins with the old key and ends after the change; then both ways with the new one.
        using Visitor begins = world.NewVisitor();
        Kit.RoundTrip tab = await Kit.RoundTrip.BeginAsync(begins, "/documents/2");
        string answer = await tab.AnswerAsync();
        world.Gateway.Services.GetRequiredService<IKeyManager>().CreateNewKey(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(90));
        Assert.Equal(":2", (await redis.AskAsync($"LLEN {RedisNames.Prefix}keys")).Trim());
        Assert.Equal("/documents/2", (await EndAsync(begins, other.NewVisitor(), answer)).Location?.PathAndQuery);
        await CrossAsync(world, other);
    }

    [Fact]
    public async Task Concurrent_requests_for_a_data_protection_key_create_one_key_that_all_can_use()
    {
        await using RedisUnderTest redis = await RedisUnderTest.StartAsync();
        for (int round = 0; round < 5; round++)
        {
            await redis.Server.AskAsync($"DEL {RedisNames.Prefix}keys");
            IDataProtector[] all = [.. Enumerable.Range(0, 6).Select(_ => Protection(redis.Connection).CreateProtector("test"))];
            using Barrier start = new(all.Length);
            string[] made = await Task.WhenAll(all.Select(one => Task.Factory.StartNew(
                () =>
                {
                    start.Meet();
                    return one.Protect("text");
                },
                World.Ct,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)));

            Assert.All(all, one => Assert.All(made, text => Assert.Equal("text", one.Unprotect(text))));
            Assert.Equal(":1", (await redis.Server.AskAsync($"LLEN {RedisNames.Prefix}keys")).Split('\n')[^2].Trim());
        }
    }

    private static IDataProtectionProvider Protection(RedisConnection connection)
    {
        ServiceCollection services = new();
        services.AddDataProtection().SetApplicationName("test");
        services.Configure<KeyManagementOptions>(options => options.XmlRepository = new RedisKeyRing(connection));
        return services.BuildServiceProvider().GetRequiredService<IDataProtectionProvider>();
    }

    /// <summary>A sign-in that begins at each ends at the other.</summary>
    private static async Task CrossAsync(World world, Replica other)
    {
        foreach ((Func<Visitor> begins, Func<Visitor> ends) in new (Func<Visitor>, Func<Visitor>)[] {
            (() => world.NewVisitor(), other.NewVisitor),
            (other.NewVisitor, () => world.NewVisitor()) })
        {
            using Visitor here = begins();
            Kit.RoundTrip tab = await Kit.RoundTrip.BeginAsync(here, "/documents/2");
            Page answer = await EndAsync(here, ends(), await tab.AnswerAsync());
            Assert.Equal("/documents/2", answer.Location?.PathAndQuery);
        }
    }

    private static async Task<Page> EndAsync(Visitor begun, Visitor there, string answer)
    {
        using (there)
        {
            foreach (Cookie cookie in begun.Cookies.GetAllCookies())
            {
                there.Cookies.Add(cookie);
            }

            return await there.OpenAsync(answer, "cross-site");
        }
    }
}
