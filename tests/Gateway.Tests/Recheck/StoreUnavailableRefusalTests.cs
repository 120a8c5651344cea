using System.Net;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;

namespace Gateway.Tests.Recheck;

/// <summary>A store that becomes unavailable during a sign-in or a recheck signs nobody out.</summary>
public sealed class StoreUnavailableRefusalTests
{
    [Fact]
    public async Task A_sign_in_that_the_store_cannot_save_keeps_the_previous_session()
    {
        StoreWatch watch = new();
        await using World world = await World.StartAsync(options => options.Services = watch.Install);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        world.Provider.SignsInAs = "alice";
        RoundTrip again = await RoundTrip.BeginAsync(alice, "/documents/2", more: "&prompt=login");
        string answer = await again.AnswerAsync();
        watch.Unavailable = nameof(ISessionStore.AddAsync);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.OpenAsync(answer, "cross-site")).Status);

        Assert.Empty(world.Log.Of("SessionEnded"));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData(nameof(ISessionStore.ReplaceAsync), false)]
    [InlineData(nameof(ISessionStore.AddAsync), true)]
    public async Task A_silent_authentication_that_the_store_cannot_save_returns_to_the_page(string away, bool anotherAtTheProvider)
    {
        StoreWatch watch = new();
        await using World world = await World.StartAsync(options => options.Services = watch.Install);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        if (anotherAtTheProvider)
        {
            await alice.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, "if/flow/default-authentication-flow/?person=alice").AbsoluteUri);
        }

        Page begun = await alice.OpenAsync("/documents/2");
        Page answered = await alice.OpenAsync(begun.Location!.AbsoluteUri, "cross-site");
        watch.Unavailable = away;

        Page page = await alice.NavigateAsync(answered.Location!.PathAndQuery, "cross-site");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Single(world.Log.Of("SilentAuthenticationWithoutAnswer"));
        Assert.Empty(world.Log.Of("SessionEnded"));
        watch.Unavailable = null;
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task A_request_waiting_for_another_replicas_recheck_continues_when_Redis_becomes_unavailable()
    {
        StoreWatch watch = new();
        await using RedisServer redis = await RedisServer.StartAsync(keeps: true);
        await using World world = await World.StartAsync(options =>
        {
            options.Services = watch.Install;
            options.Settings["GATEWAY_REDIS_URL"] = redis.Url;
            options.Provider = given => given with { OfflineAccess = true };
        });
        await using Replica other = await world.StartReplicaAsync();
        using Visitor here = await world.SignedInAsync("alice");
        using Visitor there = other.Sent(here);
        Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync("/api/documents/")).Status);
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Provider.Hold = path => path == RecheckWorld.TokenPath ? held.Task : Task.CompletedTask;
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Task<Page> asks = here.FetchAsync("/api/documents/");
        await world.UntilAsync(() => world.Refreshes().Count == 1, "The provider is asked.");
        Task<Page> waits = there.FetchAsync("/api/documents/");
        await world.UntilAsync(() => watch.Calls.Count(call => call == nameof(ILease.TryAcquireLeaseAsync)) == 2, "The other waits.");
        await redis.KillAsync();
        held.SetResult();

        await world.AdvanceUntilAsync(Task.WhenAll(asks, waits), "Both requests are answered.");

        Assert.Equal(HttpStatusCode.OK, (await asks).Status);
        Assert.Equal(HttpStatusCode.OK, (await waits).Status);
        Assert.Empty(world.Log.Of("SessionEnded").Concat(other.Log.Of("SessionEnded")));
    }
}
