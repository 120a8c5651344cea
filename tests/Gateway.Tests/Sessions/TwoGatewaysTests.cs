using System.Diagnostics;
using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Gateway.Tests.SignOut;
using StackExchange.Redis;

namespace Gateway.Tests.Sessions;

/// <summary>Two gateways on one Redis are one gateway to everybody.</summary>
public sealed class TwoGatewaysTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private World _world = null!;
    private Replica _other = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync(password: "very secret");
        _world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = _redis.Url);
        _other = await _world.StartReplicaAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _other.DisposeAsync();
        await _world.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Who_signs_in_at_one_works_at_the_other()
    {
        using Visitor here = await _world.SignedInAsync("alice");
        using Visitor there = _other.Sent(here);

        Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync("/api/documents/")).Status);
        Assert.Contains("alice", (await there.FetchAsync("/gateway/session")).Text, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_other.Settings()["GATEWAY_DATA_DIR"] + "/keys"), "The keys are in Redis.");
        Assert.DoesNotContain("very secret", _world.Log.Text + _other.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_in_that_began_at_one_ends_at_the_other()
    {
        _world.Provider.SignsInAs = "alice";
        using Visitor here = _world.NewVisitor();
        Kit.RoundTrip tab = await Kit.RoundTrip.BeginAsync(here, "/documents/2");
        using Visitor there = _other.Sent(here);
        foreach (Cookie cookie in here.Cookies.GetAllCookies())
        {
            there.Cookies.Add(cookie);
        }

        Page answer = await there.OpenAsync(await tab.AnswerAsync(), "cross-site");

        Assert.Equal("/documents/2", answer.Location?.PathAndQuery);
        string made = Assert.Single(answer.SetCookies, one => one.StartsWith("paperless-gateway=", StringComparison.Ordinal)).Split(';')[0];
        using Visitor later = _world.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, (await later.SendAsync(HttpMethod.Get, "/gateway/session", null, ("Cookie", made))).Status);
    }

    [Fact]
    public async Task A_logout_at_one_closes_the_WebSockets_at_the_other_and_nobody_gets_in_any_more()
    {
        using Visitor there = _other.NewVisitor();
        await there.SignInAsync("alice");
        using Visitor here = _world.NewVisitor();
        foreach (Cookie cookie in there.Cookies.GetCookies(new Uri(_world.Origin)))
        {
            here.Cookies.Add(new Uri(_world.Origin), new Cookie(cookie.Name, cookie.Value, "/"));
        }

        using SignOut.StatusSocket socket = await SignOut.StatusSocket.OpenAsync(_world, here);

        await there.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Equal(1008, await socket.ClosedWithAsync().WaitAsync(TimeSpan.FromSeconds(1), World.Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, (await here.FetchAsync("/api/documents/")).Status);
        Assert.Equal("EndedElsewhere", CapturedLog.Value(await _world.Log.WaitForAsync("SessionEnded"), "Cause"));
    }

    [Fact]
    public async Task Paperless_own_session_ends_by_the_replica_that_knows_its_cookie()
    {
        using Visitor there = _other.NewVisitor();
        await there.SignInAsync("alice");
        await there.FetchAsync("/api/documents/");
        Assert.Single(_world.Paperless.Data.SessionsOf("alice"));

        using HttpResponseMessage answer = await _world.SendLogoutAsync(_world.Provider.Sessions[^1]);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await _other.Log.WaitForAsync("OrphanedSessionEnded");
        Assert.Empty(_world.Paperless.Data.SessionsOf("alice"));
    }

    /// <summary>From the end's beginning at one replica to the first refusal at the other, over HTTP.</summary>
    [Fact]
    public async Task A_revocation_reaches_the_other_replica_within_a_second()
    {
        Revocations revocations = _world.Gateway.Services.GetRequiredService<Revocations>();
        SessionRegistry registry = _world.Gateway.Services.GetRequiredService<SessionRegistry>();
        using Visitor there = _other.NewVisitor();
        List<double> times = [];
        for (int round = 0; round < 100; round++)
        {
            Identity person = SessionsOnDisk.Person("alice");
            (SessionSecret secret, _) = (await registry.BeginAsync(
                new NewSession(person, new ProviderTokens("token"), person.Subject, $"sid {round}", _world.Clock.GetUtcNow()),
                World.Ct))!.Value;
            (string, string) cookie = ("Cookie", "paperless-gateway=" + secret.ToCookieValue());
            Assert.Equal(HttpStatusCode.OK, (await there.SendAsync(HttpMethod.Get, "/gateway/session", null, cookie, ("Accept", "application/json"))).Status);

            long began = Stopwatch.GetTimestamp();
            Task<int> end = revocations.EndAllAsync(
                SessionIndex.ForSid(person.Provider, person.Issuer, $"sid {round}"),
                SessionEnd.EndedAtTheProvider,
                World.Ct);
            while ((await there.SendAsync(HttpMethod.Get, "/gateway/session", null, cookie, ("Accept", "application/json")))
                .Status != HttpStatusCode.Unauthorized)
            {
                Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(2), "It goes on.");
            }

            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            Assert.Equal(1, await end);
        }

        times.Sort();
        TestContext.Current.TestOutputHelper!.WriteLine($"Revocation to refusal: median {times[50]:F1} ms, worst of 100 {times[^1]:F1} ms");
        Assert.True(times[^1] < 1000, $"The worst took {times[^1]} ms.");
    }

    /// <summary>A refresh token counts once: a second one to use it would lose the session.</summary>
    [Fact]
    public async Task A_recheck_is_made_by_one_replica_and_counts_for_both()
    {
        _world.Provider.Options = _world.Provider.Options with { OfflineAccess = true };
        using Visitor here = await _world.SignedInAsync("alice");
        using Visitor there = _other.Sent(here);
        Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync("/api/documents/")).Status);
        for (int round = 1; round <= 5; round++)
        {
            TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _world.Provider.Hold = path => path == "/application/o/token/" ? held.Task : Task.CompletedTask;
            string name = "alice" + round;
            _world.Paperless.Data.UpdateUser(round == 1 ? "alice" : "alice" + (round - 1), user => user with { Name = name });
            _world.Clock.Advance(TimeSpan.FromMinutes(11));

            Task<Page>[] pages = [.. Enumerable.Range(0, 10).Select(number => (number % 2 == 0 ? here : there).FetchAsync("/api/profile/"))];
            while (_world.Refreshes().Count < round)
            {
                await Task.Delay(10, World.Ct);
            }

            held.SetResult();
            await Task.WhenAny(pages);
            while (!Task.WhenAll(pages).IsCompleted)
            {
                // The replica that waits for the other looks into the store by this clock.
                _world.Clock.Advance(TimeSpan.FromMilliseconds(250));
                await Task.Delay(50, World.Ct);
            }

            Assert.All(await Task.WhenAll(pages), page => Assert.Equal(HttpStatusCode.OK, page.Status));
            Assert.Equal(round, _world.Refreshes().Count);
            Assert.All(
                _world.Forwarded.Where(request => request.Path == "/api/profile/").TakeLast(10),
                request => Assert.Equal([name], request.Lines("Remote-User")));
        }

        Assert.Empty(_world.Log.Of("SessionEnded").Concat(_other.Log.Of("SessionEnded")));
    }

    [Fact]
    public async Task Without_the_message_half_a_minute_is_the_bound()
    {
        using Visitor here = await _world.SignedInAsync("alice");
        ISessionStore store = _other.Gateway.Services.GetRequiredService<ISessionStore>();
        using ConnectionMultiplexer direct = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_redis.Port},password=very secret");
        await foreach (StoredSession session in store.ListAllAsync(World.Ct))
        {
            await direct.GetDatabase().KeyDeleteAsync(RedisNames.Session + Convert.ToHexStringLower(session.Key));
        }

        Assert.Equal(HttpStatusCode.OK, (await here.FetchAsync("/api/documents/")).Status);
        _world.Clock.Advance(SessionFreshness.ConfirmationTtl + TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.Unauthorized, (await here.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task Who_is_used_at_one_replica_does_not_go_idle_at_the_other()
    {
        using Visitor here = await _world.SignedInAsync("alice");
        using Visitor there = _other.Sent(here);
        Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync("/api/documents/")).Status);
        for (int hour = 0; hour < 30; hour += 10)
        {
            _world.Clock.Advance(TimeSpan.FromHours(10));
            Assert.Equal(HttpStatusCode.OK, (await here.FetchAsync("/api/documents/")).Status);
            await _world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
            await _other.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
        }

        Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task One_that_is_killed_leaves_everything_to_the_other()
    {
        ProgramProcess killed = ProgramProcess.Start("Gateway", [$"--urls=http://localhost:{World.FreePort()}"], _other.Settings());
        string line = await killed.LineAsync(
            line => line.Contains("Now listening on", StringComparison.Ordinal) && !line.Contains("127.0.0.1", StringComparison.Ordinal));
        int port = int.Parse(
            System.Text.RegularExpressions.Regex.Match(line, @"localhost:(\d+)").Groups[1].Value,
            System.Globalization.CultureInfo.InvariantCulture);
        await killed.LineAsync(line => line.Contains("Application started", StringComparison.Ordinal));
        await using (killed)
        {
            using Visitor stays = new(_world, certificate: null, replica: port);
            using Visitor leaves = new(_world, certificate: null, replica: port);
            await stays.SignInAsync("alice");
            await leaves.SignInAsync("bob");
            using Visitor bobHere = _other.Sent(leaves);
            Assert.Equal(HttpStatusCode.OK, (await bobHere.FetchAsync("/api/documents/")).Status);
            Assert.Equal(HttpStatusCode.SeeOther, (await leaves.OpenAsync("/accounts/logout/", "same-origin")).Status);

            await killed.SignalAsync("KILL");
            await killed.ExitAsync();

            using Visitor aliceHere = _other.Sent(stays);
            Assert.Equal(HttpStatusCode.OK, (await aliceHere.FetchAsync("/api/documents/")).Status);
            Assert.Equal(HttpStatusCode.Unauthorized, (await bobHere.FetchAsync("/api/documents/")).Status);
        }
    }
}
