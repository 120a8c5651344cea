using System.Net;
using System.Reflection;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.StaticCache;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.Recheck;
using Gateway.Tests.Sessions;
using Gateway.Tests.SignOut;
using Gateway.WebSockets;
using Serilog.Events;

namespace Gateway.Tests.Background;

/// <summary>A fault of the gateway's own in everything that runs beside the requests: it is logged, and the next turn works.</summary>
public sealed class FaultTests
{
    private const string Css = "/static/base.css";

    private readonly StoreWatch _watch = new();

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task A_sign_out_that_the_store_has_not_taken_is_told_again_after_an_unforeseen_failure(Type kind)
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Put);
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        using Visitor alice = await world.SignedInAsync("alice");
        _watch.Away = nameof(ISessionStore.RemoveAsync);
        await alice.OpenAsync("/accounts/logout/", "same-origin");
        Assert.Single(await store.KeysAsync());

        (_watch.Away, _watch.Fails, _watch.FailedWith) = (null, nameof(ISessionStore.RemoveAsync), (Exception)Activator.CreateInstance(kind)!);
        world.Clock.Advance(SessionsFeature.FlushInterval);
        await FailedAsync(world, "Flushing pending revocations");
        _watch.Fails = null;

        await world.UntilAsync(
            async () =>
            {
                world.Clock.Advance(SessionsFeature.FlushInterval);
                return (await store.KeysAsync()).Count == 0;
            },
            "The store is told.");
    }

    [Fact]
    public async Task An_end_that_fails_inside_the_gateway_does_not_keep_the_others_from_being_told()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Put);
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        PendingRevocations pending = world.Gateway.Services.GetRequiredService<PendingRevocations>();
        Revocations revocations = world.Gateway.Services.GetRequiredService<Revocations>();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        _watch.Away = nameof(ISessionStore.EndAllAsync);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => revocations.EndAllAsync(
            SessionIndex.ForPerson(new PersonKey("authentik", world.Provider.Issuer.AbsoluteUri, world.Provider.Find("bob")!.Subject)),
            SessionEnd.EndedAtTheProvider,
            World.Ct));
        _watch.Away = nameof(ISessionStore.RemoveAsync);
        await alice.OpenAsync("/accounts/logout/", "same-origin");

        (_watch.Away, _watch.Fails) = (null, nameof(ISessionStore.EndAllAsync));
        await Assert.ThrowsAsync<InvalidOperationException>(() => pending.FlushPendingAsync(World.Ct));

        // Alice's is gone, and Bob's by his own row.
        Assert.Empty(await store.KeysAsync());
    }

    [Fact]
    public async Task The_tidying_goes_on_after_an_unforeseen_failure()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Put);
        _watch.Fails = nameof(ISessionStore.SweepAsync);
        world.Clock.Advance(SessionsFeature.TidyInterval);
        LogEvent failed = await FailedAsync(world, "Tidying the sessions");
        Assert.IsType<InvalidOperationException>(failed.Exception);

        _watch.Fails = null;
        _watch.Forget();
        await world.UntilAsync(
            () =>
            {
                world.Clock.Advance(SessionsFeature.TidyInterval);
                return Task.FromResult(_watch.Calls.Contains(nameof(ISessionStore.SweepAsync)));
            },
            "The next tidying sweeps.");
    }

    [Fact]
    public async Task The_gateway_stops_in_good_order_when_its_last_tidying_fails()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Put);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromSeconds(2));
        await alice.FetchAsync("/api/documents/");
        _watch.Fails = nameof(ISessionStore.TouchAsync);

        await world.Gateway.Services.GetServices<IHostedService>().OfType<SessionMaintenance>().Single().StopAsync(World.Ct);

        await FailedAsync(world, "The last tidying");
        _watch.Fails = null;
    }

    [Fact]
    public async Task Paperlesss_own_session_of_the_next_one_ends_after_a_failure_with_the_one_before()
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
                return Task.FromResult(world.Log.Of("OrphanedSessionEnded").Count > 0);
            },
            "Bob's ends.");
        Assert.Empty(world.Paperless.Data.SessionsOf("bob"));
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task WebSockets_of_people_with_a_password_are_checked_again_after_a_failure(Type kind)
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
                return Task.FromResult(closed.IsCompleted);
            },
            "The socket is closed.");

        Assert.Equal(1008, await closed);
    }

    [Fact]
    public async Task A_question_whose_a_session_of_Paperlesss_is_that_fails_is_no_answer_and_no_500()
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

    [Fact]
    public async Task Static_files_are_compressed_after_one_that_failed()
    {
        await using World world = await World.StartAsync();
        StaticFileCompression compression = world.Gateway.Services.GetRequiredService<StaticFileCompression>();
        HeaderDictionary headers = new() { ["Content-Type"] = "text/css", ["Cache-Control"] = "public, max-age=60" };
        StaticFile broken = new("/static/broken.css", headers, CacheTerms.Of(headers)!, 0, world.Clock, new byte[5000]);
        typeof(StaticFile).GetField("<Path>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(broken, null);
        compression.Enqueue(broken);
        await FailedAsync(world, "Compressing a static file");
        using Visitor visitor = world.NewVisitor();

        await world.UntilAsync(
            async () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(1));
                Page script = await visitor.SendAsync(HttpMethod.Get, "/static/frontend/en-US/vendor.js", null, ("Accept-Encoding", "br"));
                return script.Header("Content-Encoding") == "br";
            },
            "The best copy is made.");
    }

    [Fact]
    public async Task A_fetch_of_a_static_file_that_fails_is_a_forwarded_request_for_everybody_who_waits()
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock)));
        using Visitor visitor = world.NewVisitor();
        clock!.FailOnceIn($"{nameof(StaticFileFetch)}.FlyAsync", new InvalidOperationException("The clock is broken."));

        Page[] pages = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => visitor.SendAsync(HttpMethod.Get, Css)));

        Assert.All(pages, page => Assert.Equal((HttpStatusCode.OK, null), (page.Status, page.Header("Age"))));
        Assert.Single(world.Log.Of("StaticFileFetchFailed"));
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("0", (await visitor.SendAsync(HttpMethod.Get, Css)).Header("Age"));
    }

    [Fact]
    public async Task The_check_of_a_credential_that_fails_refuses_that_request_and_the_next_one_is_checked()
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock)));
        using Visitor app = world.NewVisitor();
        string token = "Token " + world.Paperless.Data.TokenOf("alice");
        byte[] large = new byte[3 * 1024 * 1024];
        clock!.FailOnceIn($"{nameof(CredentialCheck)}.QuestionAsync", new InvalidOperationException("The clock is broken."));

        Page refused = await app.SendAsync(HttpMethod.Post, "/api/documents/1/", new ByteArrayContent(large), ("Authorization", token));
        Page next = await app.SendAsync(HttpMethod.Post, "/api/documents/1/", new ByteArrayContent(large), ("Authorization", token));

        Assert.True(clock.HasThrown);
        Assert.Equal(HttpStatusCode.BadGateway, refused.Status);
        Assert.Single(world.Log.Of("CredentialCheckFailed"));
        Assert.NotEqual(HttpStatusCode.BadGateway, next.Status);
        Assert.Single(world.Forwarded, request => request.Method == "POST");
    }

    [Theory]
    [InlineData(6)]
    [InlineData(11)]
    public async Task A_recheck_that_fails_inside_the_gateway_ends_nothing_and_the_next_one_is_made(int minutes)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Services = _watch.Put;
            options.Provider = given => given with { OfflineAccess = true };
        });
        using Visitor alice = await world.SignedInAsync("alice");
        _watch.Fails = nameof(ILease.TryAcquireLeaseAsync);
        world.Clock.Advance(TimeSpan.FromMinutes(minutes));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        await world.Log.WaitForAsync("RecheckFailed");
        _watch.Fails = null;
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
    public async Task The_first_look_at_Paperlesss_API_that_fails_ends_nothing()
    {
        await using World world = await World.StartAsync();
        IServiceProvider services = world.Gateway.Services;
        using CredentialStartupCheck look = new(
            api: null!,
            services.GetRequiredService<IHostApplicationLifetime>(),
            world.Clock,
            services.GetRequiredService<ILogger<CredentialStartupCheck>>());

        await look.StartAsync(World.Ct);
        await look.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(20), World.Ct);

        await FailedAsync(world, "The startup check of Paperless's API token");
    }

    [Fact]
    public async Task A_store_that_fails_as_none_should_makes_the_gateway_unready_and_no_more()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Put);
        _watch.Fails = nameof(ISessionStore.CheckAsync);
        using HttpClient http = new();

        using HttpResponseMessage unready = await http.GetAsync(new Uri(world.Gateway.Management, "/health/ready"), World.Ct);
        _watch.Fails = null;
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        using HttpResponseMessage ready = await http.GetAsync(new Uri(world.Gateway.Management, "/health/ready"), World.Ct);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (unready.StatusCode, ready.StatusCode));
    }

    [Fact]
    public async Task A_subscriber_that_fails_at_the_end_of_a_session_changes_nothing_of_the_end()
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
    public async Task A_subscriber_that_fails_at_the_end_of_a_session_with_a_password_changes_nothing_of_the_end()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        int heard = 0;
        PasswordSessionRegistry locals = world.Gateway.Services.GetRequiredService<PasswordSessionRegistry>();
        locals.Ended += _ => throw new InvalidOperationException("The test's.");
        locals.Ended += _ => heard++;

        Assert.Equal(HttpStatusCode.SeeOther, (await alice.OpenAsync("/accounts/logout/", "same-origin")).Status);

        Assert.Equal(1, heard);
        Assert.Empty(world.Paperless.Data.SessionsOf("alice"));
    }

    [Fact]
    public async Task What_fails_when_another_replica_is_heard_keeps_nothing_else_from_being_heard()
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
                await world.UntilAsync(() => Task.FromResult(Volatile.Read(ref heard) > before), "It is heard.");
                Assert.Null(await alice.WhoAsync());
            }
        }

        await redis.KillAsync();
        await redis.StartAgainAsync();
        await world.StoreIsBackAsync();
        using Visitor bob = await world.SignedInAsync("bob");
        Assert.Equal("bob", await bob.WhoAsync());
    }

    [Fact]
    public async Task A_service_that_fails_altogether_takes_nothing_down_with_it()
    {
        await using World world = await World.StartAsync(options => options.Services = services => services.AddHostedService<Failing>());

        await world.Log.WaitForAsync("BackgroundServiceFaulted");

        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    private static Task<LogEvent> FailedAsync(World world, string work) =>
        world.Log.WaitForAsync("BackgroundWorkFailed", line => CapturedLog.Value(line, "Work") == work).WaitAsync(TimeSpan.FromSeconds(20), World.Ct);

    private sealed class Failing : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => throw new OperationCanceledException("The test's.");
    }
}
