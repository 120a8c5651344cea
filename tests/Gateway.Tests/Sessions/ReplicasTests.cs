using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Gateway.Tests.SignOut;
using StackExchange.Redis;

namespace Gateway.Tests.Sessions;

/// <summary>Two gateway replicas on one Redis behave as one gateway.</summary>
[Needs(RealPart.Process, RealPart.Redis)]
public sealed class ReplicasTests : IAsyncLifetime
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
    public async Task A_session_from_one_replica_works_at_the_other()
    {
        using Visitor here = await _world.SignedInAsync("alice");
        using Visitor there = _other.Sent(here);

        Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync("/api/documents/")).Status);
        Assert.Contains("alice", (await there.FetchAsync("/gateway/session")).Text, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_other.Settings()["GATEWAY_DATA_DIR"] + "/keys"), "The keys are in Redis.");
        Assert.DoesNotContain("very secret", _world.Log.Text + _other.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_in_started_at_one_replica_can_finish_at_the_other()
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
    public async Task A_sign_out_at_one_replica_closes_the_WebSockets_at_the_other_and_ends_the_session_there()
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

        Assert.Equal(1008, await socket.ClosedWithAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, (await here.FetchAsync("/api/documents/")).Status);
        Assert.Equal("EndedElsewhere", CapturedLog.Value(await _world.Log.WaitForAsync("SessionEnded"), "Cause"));
    }

    [Fact]
    public async Task The_Paperless_session_is_ended_by_the_replica_that_knows_its_cookie()
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

    /// <summary>The clock stands still: the other replica does not ask Redis by itself.</summary>
    [Fact]
    public async Task A_revocation_reaches_the_other_replica_by_its_message()
    {
        Revocations revocations = _world.Gateway.Services.GetRequiredService<Revocations>();
        SessionRegistry registry = _world.Gateway.Services.GetRequiredService<SessionRegistry>();
        using Visitor there = _other.NewVisitor();
        for (int round = 0; round < 100; round++)
        {
            Identity person = SessionsOnDisk.Person("alice");
            (SessionSecret secret, _) = (await registry.BeginAsync(
                new NewSession(person, new ProviderTokens("token"), person.Subject, $"sid {round}", _world.Clock.GetUtcNow()),
                World.Ct))!.Value;
            (string, string) cookie = ("Cookie", "paperless-gateway=" + secret.ToCookieValue());
            Assert.Equal(HttpStatusCode.OK, (await there.SendAsync(HttpMethod.Get, "/gateway/session", null, cookie, ("Accept", "application/json"))).Status);

            Task<int> end = revocations.EndAllAsync(
                SessionIndex.ForSid(person.Provider, person.Issuer, $"sid {round}"),
                SessionEnd.EndedAtTheProvider,
                World.Ct);
            await _world.UntilAsync(
                async () => (await there.SendAsync(HttpMethod.Get, "/gateway/session", null, cookie, ("Accept", "application/json")))
                    .Status == HttpStatusCode.Unauthorized,
                $"The other replica refuses the session of round {round}.");
            Assert.Equal(1, await end);
        }
    }

    /// <summary>A refresh token counts once: a second one to use it would lose the session.</summary>
    [Fact]
    public async Task A_recheck_by_one_replica_counts_for_both()
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
            await _world.UntilAsync(() => _world.Refreshes().Count >= round, "The provider is asked.");
            held.SetResult();
            await Task.WhenAny(pages);
            await _world.AdvanceUntilAsync(Task.WhenAll(pages), "All requests are answered.");

            Assert.All(await Task.WhenAll(pages), page => Assert.Equal(HttpStatusCode.OK, page.Status));
            Assert.Equal(round, _world.Refreshes().Count);
            Assert.All(
                _world.Forwarded.Where(request => request.Path == "/api/profile/").TakeLast(10),
                request => Assert.Equal([name], request.Lines("Remote-User")));
        }

        Assert.Empty(_world.Log.Of("SessionEnded").Concat(_other.Log.Of("SessionEnded")));
    }

    [Fact]
    public async Task Without_the_Redis_message_a_revocation_reaches_the_other_replica_within_30_seconds()
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
    public async Task A_session_used_at_one_replica_does_not_go_idle_at_the_other()
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
    public async Task A_killed_replica_leaves_every_session_to_the_other()
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
