using System.Net;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.Recheck;
using Gateway.Tests.Sessions;
using Gateway.Tests.SignOut;
using Gateway.WebSockets;
using Serilog.Events;
using static Gateway.Tests.Background.FailedWork;

namespace Gateway.Tests.Background;

/// <summary>An unexpected exception in the background work on sessions (revocation, maintenance, recheck) is logged, and the next run works.</summary>
public sealed class SessionFaultTests
{
    private readonly StoreWatch _watch = new();

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task A_pending_revocation_is_sent_again_after_an_unexpected_failure(Type kind)
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Install);
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        using Visitor alice = await world.SignedInAsync("alice");
        _watch.Unavailable = nameof(ISessionStore.RemoveAsync);
        await alice.OpenAsync("/accounts/logout/", "same-origin");
        Assert.Single(await store.KeysAsync());

        (_watch.Unavailable, _watch.Failing, _watch.Error) = (null, nameof(ISessionStore.RemoveAsync), (Exception)Activator.CreateInstance(kind)!);
        world.Clock.Advance(SessionsFeature.FlushInterval);
        await FailedAsync(world, "Flushing pending revocations");
        _watch.Failing = null;

        await world.UntilAsync(
            async () =>
            {
                world.Clock.Advance(SessionsFeature.FlushInterval);
                return (await store.KeysAsync()).Count == 0;
            },
            "The store is told.");
    }

    [Fact]
    public async Task A_revocation_that_fails_inside_the_gateway_does_not_block_other_revocations()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Install);
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        PendingRevocations pending = world.Gateway.Services.GetRequiredService<PendingRevocations>();
        Revocations revocations = world.Gateway.Services.GetRequiredService<Revocations>();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        _watch.Unavailable = nameof(ISessionStore.EndAllAsync);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => revocations.EndAllAsync(
            SessionIndex.ForPerson(new PersonKey("authentik", world.Provider.Issuer.AbsoluteUri, world.Provider.Find("bob")!.Subject)),
            SessionEnd.EndedAtTheProvider,
            World.Ct));
        _watch.Unavailable = nameof(ISessionStore.RemoveAsync);
        await alice.OpenAsync("/accounts/logout/", "same-origin");

        (_watch.Unavailable, _watch.Failing) = (null, nameof(ISessionStore.EndAllAsync));
        await Assert.ThrowsAsync<InvalidOperationException>(() => pending.FlushPendingAsync(World.Ct));

        // Alice's is gone, and Bob's by his own row.
        Assert.Empty(await store.KeysAsync());
    }

    [Fact]
    public async Task Session_maintenance_continues_after_an_unexpected_failure()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Install);
        _watch.Failing = nameof(ISessionStore.SweepAsync);
        world.Clock.Advance(SessionsFeature.TidyInterval);
        LogEvent failed = await FailedAsync(world, "Tidying the sessions");
        Assert.IsType<InvalidOperationException>(failed.Exception);

        _watch.Failing = null;
        _watch.ForgetCalls();
        await world.UntilAsync(
            () =>
            {
                world.Clock.Advance(SessionsFeature.TidyInterval);
                return _watch.Calls.Contains(nameof(ISessionStore.SweepAsync));
            },
            "The next tidying sweeps.");
    }

    [Fact]
    public async Task The_gateway_stops_cleanly_when_its_last_session_maintenance_fails()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Install);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromSeconds(2));
        await alice.FetchAsync("/api/documents/");
        _watch.Failing = nameof(ISessionStore.TouchAsync);

        await world.Gateway.Services.GetServices<IHostedService>().OfType<SessionMaintenance>().Single().StopAsync(World.Ct);

        await FailedAsync(world, "The last tidying");
        _watch.Failing = null;
    }

    [Fact]
    public async Task After_a_failed_logout_at_Paperless_the_next_orphaned_Paperless_session_still_ends()
    {
        await using World world = await World.StartAsync(options => options.Services = services => services
            .AddSingleton<ILogger<OrphanedPaperlessSessions>>(provider =>
                new FaultyLogger<OrphanedPaperlessSessions>(provider.GetRequiredService<ILoggerFactory>().CreateLogger("left"), "OrphanedSessionEnded")));
        foreach (string person in (string[])["alice", "bob"])
        {
            using Visitor visitor = await world.SignedInAsync(person);
            await visitor.FetchAsync("/api/documents/");
            using HttpResponseMessage ended = await world.SendLogoutAsync(world.Provider.Sessions[^1], BackChannel.Without("sid"));
            Assert.Equal(HttpStatusCode.OK, ended.StatusCode);
            if (person == "alice")
            {
                await FailedAsync(world, "Ending Paperless's own session");
            }
        }

        await world.UntilAsync(
            () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(1));
                return world.Log.Of("OrphanedSessionEnded").Count > 0;
            },
            "Bob's ends.");
        Assert.Empty(world.Paperless.Data.SessionsOf("bob"));
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task WebSockets_of_password_sessions_are_checked_again_after_a_failure(Type kind)
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock)));
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        clock!.FailOnceIn(nameof(PasswordSocketChecks), (Exception)Activator.CreateInstance(kind)!);

        world.Clock.Advance(TimeSpan.FromSeconds(10));
        await FailedAsync(world, "Checking the WebSockets of people with a Paperless password");
        world.Paperless.Data.EndSession(world.Paperless.Data.SessionsOf("alice")[0].Key);
        Task<int> closed = socket.ClosedWithAsync();
        await world.UntilAsync(
            () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(10));
                return closed.IsCompleted;
            },
            "The socket is closed.");

        Assert.Equal(1008, await closed);
    }

    [Fact]
    public async Task A_failing_lookup_of_a_password_sessions_owner_counts_as_no_answer_and_causes_no_500()
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(options => options.Services = services =>
        {
            services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock));
            services.AddSingleton<ILogger<PasswordSessionQuery>>(provider =>
                new FaultyLogger<PasswordSessionQuery>(provider.GetRequiredService<ILoggerFactory>().CreateLogger("question"), "PasswordSessionUnanswered"));
        });
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(2));
        using (world.Paperless.Faults.Answer(request => request.Path == "/api/ui_settings/", 500))
        {
            Page[] pages = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => alice.FetchAsync("/api/documents/")));
            Assert.All(pages, page => Assert.NotEqual(HttpStatusCode.InternalServerError, page.Status));
        }

        Assert.NotEmpty(world.Log.Of("PasswordSessionQuestionFailed"));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(11)]
    public async Task A_recheck_that_fails_inside_the_gateway_ends_no_session_and_the_next_recheck_runs(int minutes)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Services = _watch.Install;
            options.Provider = given => given with { OfflineAccess = true };
        });
        using Visitor alice = await world.SignedInAsync("alice");
        _watch.Failing = nameof(ILease.TryAcquireLeaseAsync);
        world.Clock.Advance(TimeSpan.FromMinutes(minutes));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        await world.Log.WaitForAsync("RecheckFailed");
        _watch.Failing = null;
        world.Clock.Advance(TimeSpan.FromMinutes(2));
        await world.UntilAsync(
            async () =>
            {
                await alice.FetchAsync("/api/documents/");
                return world.Refreshes().Count > 0;
            },
            "The provider is asked.");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_failing_subscriber_at_the_end_of_a_session_does_not_change_that_the_session_ends()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        Revocations revocations = world.Gateway.Services.GetRequiredService<Revocations>();
        List<string> heard = [];
        revocations.Ended += (_, _) => throw new InvalidOperationException("The test's.");
        revocations.Ended += (session, _) => heard.Add(session.Identity.Username);

        using HttpResponseMessage ended = await world.SendLogoutAsync(world.Provider.Sessions[^1]);

        Assert.Equal((HttpStatusCode.OK, null), (ended.StatusCode, await alice.WhoAsync()));
        Assert.Equal(["alice"], heard);
        Assert.Single(world.Log.Of("SubscriberFailed"));
        Assert.Empty(await world.Gateway.Services.GetRequiredService<ISessionStore>().KeysAsync());
    }

    [Fact]
    public async Task A_failing_subscriber_at_the_end_of_a_password_session_does_not_change_that_the_session_ends()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        int heard = 0;
        PasswordSessionRegistry passwordSessions = world.Gateway.Services.GetRequiredService<PasswordSessionRegistry>();
        passwordSessions.Ended += _ => throw new InvalidOperationException("The test's.");
        passwordSessions.Ended += _ => heard++;

        Assert.Equal(HttpStatusCode.SeeOther, (await alice.OpenAsync("/accounts/logout/", "same-origin")).Status);

        Assert.Equal(1, heard);
        Assert.Empty(world.Paperless.Data.SessionsOf("alice"));
    }

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task A_failing_handler_of_another_replicas_message_does_not_stop_the_other_handlers()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        int heard = 0;
        store.EndedElsewhere += _ => throw new InvalidOperationException("The test's.");
        store.EndedElsewhere += _ => Interlocked.Increment(ref heard);
        store.MessagesLost += () => throw new InvalidOperationException("The test's.");

        await using (Replica other = await world.StartReplicaAsync())
        {
            for (int end = 1; end <= 2; end++)
            {
                int before = end - 1;
                using Visitor alice = await world.SignedInAsync("alice");
                using Visitor there = other.Sent(alice);
                await there.OpenAsync("/accounts/logout/", "same-origin");
                await world.UntilAsync(() => Volatile.Read(ref heard) > before, "It is heard.");
                Assert.Null(await alice.WhoAsync());
            }
        }

        await redis.KillAsync();
        await redis.StartAgainAsync();
        await world.StoreIsBackAsync();
        using Visitor bob = await world.SignedInAsync("bob");
        Assert.Equal("bob", await bob.WhoAsync());
    }
}
