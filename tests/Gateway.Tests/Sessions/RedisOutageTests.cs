using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>A Redis outage signs nobody out and restores no ended session.</summary>
[Needs(RealPart.Process, RealPart.Redis)]
public sealed class RedisOutageTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private World _world = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync(keeps: true);
        _world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = _redis.Url);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task While_Redis_is_unavailable_known_sessions_stay_valid_for_five_minutes_and_again_after_its_return()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await _redis.KillAsync();

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        _world.Clock.Advance(TimeSpan.FromMinutes(4.9));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        _world.Clock.Advance(TimeSpan.FromMinutes(0.2));
        await AssertAwayAsync(alice, "/documents/2");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.FetchAsync("/gateway/session")).Status);

        await _redis.StartAgainAsync();
        await _world.StoreIsBackAsync();
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    /// <summary>Redis lets the row expire without a word; whoever knew the session says so, and ends Paperless's own with it.</summary>
    [Fact]
    public async Task A_session_that_Redis_expired_by_idleness_also_ends_its_Paperless_session()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await alice.FetchAsync("/api/documents/");
        Assert.Single(_world.Paperless.Data.SessionsOf("alice"));
        SessionMaintenance maintenance = _world.Gateway.Services.GetRequiredService<SessionMaintenance>();
        _world.Clock.Advance(TimeSpan.FromHours(24) + TimeSpan.FromMinutes(1));

        // Another gateway may have seen it within the last two minutes.
        await maintenance.TidyAsync(World.Ct);
        Assert.Empty(_world.Log.Of("SessionEnded"));
        _world.Clock.Advance(TimeSpan.FromMinutes(2));
        await maintenance.TidyAsync(World.Ct);

        Assert.Equal("Expired", CapturedLog.Value(await _world.Log.WaitForAsync("SessionEnded"), "Cause"));
        await _world.Log.WaitForAsync("OrphanedSessionEnded");
        Assert.Empty(_world.Paperless.Data.SessionsOf("alice"));
    }

    [Fact]
    public async Task While_Redis_is_unavailable_unknown_sessions_and_sign_ins_get_a_page_that_retries()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await _world.RestartGatewayAsync();
        using Visitor bob = _world.NewVisitor();
        _world.Provider.SignsInAs = "bob";
        Kit.RoundTrip begun = await Kit.RoundTrip.BeginAsync(bob, "/documents/2");
        string answer = await begun.AnswerAsync();
        await _redis.KillAsync();

        await AssertAwayAsync(alice, "/documents/2");
        await AssertAwayAsync(bob, "/accounts/oidc/authentik/login/?next=%2F");
        Page callback = await bob.OpenAsync(answer, "cross-site");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, callback.Status);
        Assert.Equal("5; url=/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", callback.Header("Refresh"));
        Assert.Equal(HttpStatusCode.OK, (await bob.OpenAsync("/accounts/login/")).Status);

        await _redis.StartAgainAsync();
        await _world.StoreIsBackAsync();
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Page back = await bob.NavigateAsync("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", "same-origin");
        Assert.Equal("/documents/2", back.Address.PathAndQuery);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sign_out_while_Redis_is_unavailable_takes_effect_immediately_and_is_sent_to_Redis_later(bool known)
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        string cookie = "paperless-gateway=" + alice.Cookie("paperless-gateway");
        if (!known)
        {
            await _world.RestartGatewayAsync();
        }

        await _redis.KillAsync();

        Assert.Equal(HttpStatusCode.SeeOther, (await alice.OpenAsync("/accounts/logout/", "same-origin")).Status);
        using Visitor thief = _world.NewVisitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", cookie))).Status);

        await _redis.StartAgainAsync();
        await _world.StoreIsBackAsync();
        _world.Clock.Advance(SessionsFeature.FlushInterval);
        await NothingLeftAsync();
        await _world.RestartGatewayAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", cookie))).Status);
    }

    [Fact]
    public async Task The_end_of_all_sessions_of_a_person_while_Redis_is_unavailable_is_sent_to_Redis_later()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        Revocations revocations = _world.Gateway.Services.GetRequiredService<Revocations>();
        byte[] person = SessionIndex.ForPerson(_world.KeyOf("alice"));
        await _redis.KillAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => revocations.EndAllAsync(person, SessionEnd.EndedAtTheProvider, World.Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);

        await _redis.StartAgainAsync();
        await _world.StoreIsBackAsync();
        _world.Clock.Advance(SessionsFeature.FlushInterval);
        await NothingLeftAsync();
    }

    /// <summary>The library gives a question up after a moment. The clock of the gateway stands still meanwhile.</summary>
    [Fact]
    public async Task A_hanging_Redis_delays_known_sessions_only_briefly()
    {
        StoreWatch watch = new();
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_REDIS_URL"] = _redis.Url;
            options.Services = watch.Install;
        });
        using Visitor alice = await world.SignedInAsync("alice");
        await _redis.SignalAsync("STOP");
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        watch.ForgetCalls();

        for (int request = 0; request < 10; request++)
        {
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Single(watch.Calls, call => call == nameof(ISessionStore.FindAsync));
        RedisConnection connection = world.Gateway.Services.GetRequiredService<RedisConnection>();
        Assert.InRange(connection.Database.Multiplexer.TimeoutMilliseconds, 1, 3000);
        await _redis.SignalAsync("CONT");
    }

    [Fact]
    public async Task A_start_without_Redis_fails_and_names_the_address_but_not_the_password()
    {
        Dictionary<string, string?> settings = _world.Settings();
        settings["GATEWAY_REDIS_URL"] = $"redis://user:very%20secret@127.0.0.1:{World.FreePort()}";

        (int exitCode, string output, string errors) = await ProgramProcess.RunAsync("Gateway", [], settings);

        Assert.Equal(1, exitCode);
        Assert.Contains("GATEWAY_REDIS_URL: there is no connection to Redis at 127.0.0.1:", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", output + errors, StringComparison.Ordinal);
    }

    private static async Task AssertAwayAsync(Visitor visitor, string path)
    {
        Page page = await visitor.OpenAsync(path);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Equal("5", page.Header("Refresh"));
        Assert.Contains("One moment, please", page.Text, StringComparison.Ordinal);
    }

    private async Task NothingLeftAsync()
    {
        ISessionStore store = _world.Gateway.Services.GetRequiredService<ISessionStore>();
        await _world.UntilAsync(async () => (await store.KeysAsync()).Count == 0, "No session is left in Redis.");
    }
}
