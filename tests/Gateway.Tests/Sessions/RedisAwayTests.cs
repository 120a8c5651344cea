using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>Redis goes away and comes back: nobody is signed out by it, nobody who signed out comes back.</summary>
public sealed class RedisAwayTests : IAsyncLifetime
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
    public async Task Who_is_known_goes_on_for_five_minutes_and_after_it_again_when_Redis_is_back()
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
        await BackAsync();
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    /// <summary>Redis lets the row expire without a word; whoever knew the session says so, and ends Paperless's own with it.</summary>
    [Fact]
    public async Task What_nobody_used_for_too_long_ends_with_Paperlesss_own_session_as_any_other()
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
    public async Task Who_is_not_known_and_who_signs_in_wait_on_a_page_that_tries_again()
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
        await BackAsync();
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Page back = await bob.NavigateAsync("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", "same-origin");
        Assert.Equal("/documents/2", back.Address.PathAndQuery);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_logout_holds_at_once_and_is_handed_on(bool known)
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
        await BackAsync();
        _world.Clock.Advance(SessionsFeature.FlushInterval);
        await NothingLeftAsync();
        await _world.RestartGatewayAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", cookie))).Status);
    }

    [Fact]
    public async Task The_end_of_a_whole_person_is_handed_on()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        Revocations revocations = _world.Gateway.Services.GetRequiredService<Revocations>();
        byte[] person = SessionIndex.ForPerson(_world.KeyOf("alice"));
        await _redis.KillAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => revocations.EndAllAsync(person, SessionEnd.EndedAtTheProvider, World.Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);

        await _redis.StartAgainAsync();
        await BackAsync();
        _world.Clock.Advance(SessionsFeature.FlushInterval);
        await NothingLeftAsync();
    }

    [Fact]
    public async Task A_Redis_that_hangs_delays_nobody_who_is_known_for_long()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await _redis.SignalAsync("STOP");
        _world.Clock.Advance(TimeSpan.FromMinutes(1));

        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int request = 0; request < 10; request++)
        {
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(5));
        await _redis.SignalAsync("CONT");
    }

    [Fact]
    public async Task A_gateway_that_finds_no_Redis_at_its_start_says_which_and_not_the_password()
    {
        Dictionary<string, string?> settings = _world.Settings();
        settings["GATEWAY_REDIS_URL"] = $"redis://user:very%20secret@127.0.0.1:{World.FreePort()}";

        (int exitCode, string output, string errors) = await ProgramProcess.RunAsync("Gateway", ["validate"], settings);

        Assert.Equal(1, exitCode);
        Assert.Contains("GATEWAY_REDIS_URL: the Redis at 127.0.0.1:", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", output + errors, StringComparison.Ordinal);
    }

    private static async Task AssertAwayAsync(Visitor visitor, string path)
    {
        Page page = await visitor.OpenAsync(path);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Equal("5", page.Header("Refresh"));
        Assert.Contains("One moment, please", page.Text, StringComparison.Ordinal);
    }

    private async Task BackAsync()
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                await _world.Gateway.Services.GetRequiredService<ISessionStore>().CheckAsync(World.Ct);
                _world.Clock.Advance(TimeSpan.FromSeconds(2));
                return;
            }
            catch (StoreUnavailableException) when (tries < 600)
            {
                await Task.Delay(50, World.Ct);
            }
        }
    }

    private async Task NothingLeftAsync()
    {
        ISessionStore store = _world.Gateway.Services.GetRequiredService<ISessionStore>();
        for (int tries = 0; ; tries++)
        {
            int left = 0;
            await foreach (StoredSession _ in store.ListAllAsync(World.Ct))
            {
                left++;
            }

            if (left == 0)
            {
                return;
            }

            Assert.True(tries < 40, $"{left} sessions are left.");
            await Task.Delay(50, World.Ct);
        }
    }
}
