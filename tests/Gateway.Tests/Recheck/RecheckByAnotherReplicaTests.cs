using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;

namespace Gateway.Tests.Recheck;

/// <summary>Requests that wait for a recheck of another replica, which holds the lease, wait no longer than necessary.</summary>
[Needs(RealPart.Redis)]
public sealed class RecheckByAnotherReplicaTests
{
    /// <summary>The first look finds that the other replica has finished; the second is for one that came a moment too early.</summary>
    private const int MostLooks = 2;

    [Fact]
    public async Task Requests_stop_waiting_when_another_replicas_recheck_gives_no_result()
    {
        StoreWatch watch = new();
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await StartAsync(redis, watch);
        await using Replica other = await world.StartReplicaAsync();
        using Visitor here = await world.SignedInAsync("alice");
        using Visitor there = other.Sent(here);
        Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync("/api/documents/")).Status);
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Provider.Hold = path => path == RecheckWorld.TokenPath ? held.Task : Task.CompletedTask;
        world.Provider.NextTokenError = new ProviderError("server_error");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Task<Page> asks = here.FetchAsync("/api/documents/");
        await world.UntilAsync(() => world.Refreshes().Count == 1, "The provider is asked.");
        Task<Page> waits = there.FetchAsync("/api/documents/");
        await world.UntilAsync(() => Claims(watch) >= 2, "The other waits.");
        held.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await asks).Status);

        await world.AdvanceUntilAsync(waits, "The request that waits is answered.");

        Assert.Equal(HttpStatusCode.OK, (await waits).Status);
        Assert.InRange(watch.Calls.Count(call => call == nameof(ILease.IsLeaseFreeAsync)), 1, MostLooks);
        Assert.Single(world.Refreshes());
    }

    [Fact]
    public async Task After_a_replica_died_during_a_recheck_one_request_waits_and_later_requests_do_not()
    {
        StoreWatch watch = new();
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await StartAsync(redis, watch);
        await using Replica other = await world.StartReplicaAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        ISessionStore store = other.Gateway.Services.GetRequiredService<ISessionStore>();
        ILease lease = other.Gateway.Services.GetRequiredService<ILease>();
        byte[] key = Assert.Single(await store.KeysAsync());
        Assert.True(await lease.TryAcquireLeaseAsync(key, TimeSpan.FromHours(1), World.Ct));

        await world.AdvanceUntilAsync(alice.FetchAsync("/api/documents/"), "The request that waits is answered.");
        int claims = Claims(watch);
        for (int seconds = 0; seconds < 50; seconds += 10)
        {
            world.Clock.Advance(TimeSpan.FromSeconds(10));
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Equal(claims, Claims(watch));
        await lease.ReleaseLeaseAsync(key, World.Ct);
        world.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Refreshes());
    }

    private static Task<World> StartAsync(RedisServer redis, StoreWatch watch) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_REDIS_URL"] = redis.Url;
        options.Services = watch.Install;
        options.Provider = given => given with { OfflineAccess = true };
    });

    private static int Claims(StoreWatch watch) => watch.Calls.Count(call => call == nameof(ILease.TryAcquireLeaseAsync));
}
