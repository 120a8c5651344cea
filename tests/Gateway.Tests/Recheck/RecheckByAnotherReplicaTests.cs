using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;

namespace Gateway.Tests.Recheck;

/// <summary>Requests that wait for a recheck of another replica, which holds the lease, wait no longer than necessary.</summary>
public sealed class RecheckByAnotherReplicaTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

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
        await world.UntilAsync(() => Task.FromResult(world.Refreshes().Count == 1), "The provider is asked.");
        Task<Page> waits = there.FetchAsync("/api/documents/");
        await world.UntilAsync(() => Task.FromResult(Claims(watch) >= 2), "The other waits.");
        held.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await asks).Status);

        TimeSpan waited = await AdvanceUntilAsync(world, waits);

        Assert.Equal(HttpStatusCode.OK, (await waits).Status);
        Assert.True(waited < Patience - TimeSpan.FromSeconds(2), $"It waited for {waited}.");
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

        await AdvanceUntilAsync(world, alice.FetchAsync("/api/documents/"));
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

    /// <summary>The replica that waits for another looks into the store by this clock.</summary>
    private static async Task<TimeSpan> AdvanceUntilAsync(World world, Task<Page> page)
    {
        DateTimeOffset began = world.Clock.GetUtcNow();
        while (!page.IsCompleted)
        {
            world.Clock.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Delay(50, World.Ct);
        }

        return world.Clock.GetUtcNow() - began;
    }
}
