using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;

namespace Gateway.Tests.SignOut;

/// <summary>Sign-outs and logouts while Redis is unavailable, or that Redis loses, stay in effect.</summary>
[Needs(RealPart.Redis)]
public sealed class PendingRevocationTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private World _world = null!;

    private ISessionStore Store => _world.Gateway.Services.GetRequiredService<ISessionStore>();

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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task While_Redis_is_unavailable_a_back_channel_logout_takes_effect_and_is_accepted_when_sent_again(bool bySid)
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        string token = _world.Provider.CreateLogoutToken(_world.Provider.Sessions[^1], BackChannel.Without(bySid ? "sub" : "sid"));
        await _redis.KillAsync();

        using HttpResponseMessage away = await _world.SendLogoutTokenAsync(token);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"), (away.StatusCode, away.Headers.RetryAfter?.ToString()));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);

        await _redis.StartAgainAsync();
        await _world.StoreIsBackAsync();
        using HttpResponseMessage again = await _world.SendLogoutTokenAsync(token);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        using HttpResponseMessage twice = await _world.SendLogoutTokenAsync(token);
        Assert.Equal(HttpStatusCode.BadRequest, twice.StatusCode);
        Assert.Empty(await Store.KeysAsync());
    }

    /// <summary>The session is in the store for as long as the store has not been told.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pending_revocation_is_enforced_after_Redis_returns_and_before_it_is_sent(bool bySid)
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        string token = _world.Provider.CreateLogoutToken(_world.Provider.Sessions[^1], BackChannel.Without(bySid ? "sub" : "sid"));

        // Redis's clock goes on, the gateway's stands still: a sign-in of some time ago.
        string key = RedisNames.Session + Convert.ToHexStringLower(Assert.Single(await Store.KeysAsync()));
        await _redis.AskAsync($"HSET {key} heard {DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds()}");
        await _world.RestartGatewayAsync();
        using Visitor bob = await _world.SignedInAsync("bob");
        await _redis.KillAsync();
        using HttpResponseMessage away = await _world.SendLogoutTokenAsync(token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
        await _redis.StartAgainAsync();
        await _world.StoreIsBackAsync(advance: false);

        Assert.Equal(2, (await Store.KeysAsync()).Count);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        _world.Clock.Advance(SessionsFeature.FlushInterval);
        await _world.UntilAsync(async () => (await Store.KeysAsync()).Count == 1, "The session is handed on.");
        Assert.Equal(HttpStatusCode.OK, (await bob.FetchAsync("/api/documents/")).Status);
    }

    /// <summary>As after a failover to a copy that was behind, or from a snapshot.</summary>
    [Theory]
    [InlineData("logout")]
    [InlineData("provider")]
    [InlineData("other replica")]
    public async Task A_revocation_that_Redis_lost_in_a_failover_is_sent_again(string how)
    {
        await using RedisServer forgetful = await RedisServer.StartAsync();
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = forgetful.Url);
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        string cookie = "paperless-gateway=" + bob.Cookie("paperless-gateway");
        Assert.Contains("OK", await forgetful.AskAsync("SAVE"), StringComparison.Ordinal);
        await using (Replica other = await world.StartReplicaAsync())
        {
            if (how == "provider")
            {
                using HttpResponseMessage ended = await world.SendLogoutAsync(world.Provider.Sessions[^1], BackChannel.Without("sid"));
                Assert.Equal(HttpStatusCode.OK, ended.StatusCode);
            }
            else
            {
                using Visitor there = how == "logout" ? world.NewVisitor() : other.NewVisitor();
                await there.OpenAsync("/accounts/logout/", "same-origin", ("Cookie", cookie));
            }

            await world.UntilAsync(
                async () => (await store.KeysAsync()).Count == 1 && world.Log.Of("SessionEnded").Count + world.Log.Of("SessionsEnded").Count > 0,
                "Bob's session ends.");
        }

        await forgetful.KillAsync();
        await forgetful.StartAgainAsync();
        await world.StoreIsBackAsync();

        Assert.Equal(2, (await store.KeysAsync()).Count);
        using Visitor thief = world.NewVisitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", cookie))).Status);
        world.Clock.Advance(SessionsFeature.FlushInterval);
        await world.UntilAsync(async () => (await store.KeysAsync()).Count == 1, "Redis is told again.");
        world.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", cookie))).Status);
    }

    [Fact]
    public async Task A_sign_in_after_a_delayed_revocation_stays_valid()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        Revocations revocations = _world.Gateway.Services.GetRequiredService<Revocations>();
        byte[] person = SessionIndex.ForPerson(_world.KeyOf("alice"));
        await _redis.KillAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => revocations.EndAllAsync(person, SessionEnd.EndedAtTheProvider, World.Ct));
        await _redis.StartAgainAsync();
        await _world.StoreIsBackAsync(advance: false);
        _world.Clock.Advance(TimeSpan.FromSeconds(1));

        using Visitor anew = await _world.SignedInAsync("alice");
        _world.Clock.Advance(SessionsFeature.FlushInterval);

        await _world.UntilAsync(async () => (await Store.KeysAsync()).Count == 1, "The first session goes.");
        Assert.Equal(HttpStatusCode.OK, (await anew.FetchAsync("/api/documents/")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    /// <summary>Both go at once, as when a whole machine does: the sign-out was acknowledged.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sign_out_not_yet_saved_in_Redis_survives_a_restart_of_the_gateway(bool provider)
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        string cookie = "paperless-gateway=" + alice.Cookie("paperless-gateway");
        string key = RedisNames.Session + Convert.ToHexStringLower(Assert.Single(await Store.KeysAsync()));
        await _redis.AskAsync($"HSET {key} heard {DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds()}");
        await _redis.KillAsync();
        if (provider)
        {
            using HttpResponseMessage away = await _world.SendLogoutAsync(_world.Provider.Sessions[^1], BackChannel.Without("sid"));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
        }
        else
        {
            Assert.Equal(HttpStatusCode.SeeOther, (await alice.OpenAsync("/accounts/logout/", "same-origin")).Status);
        }

        await _world.Gateway.DisposeAsync();
        await _redis.StartAgainAsync();
        _world.StartGateway();

        Assert.Single(await Store.KeysAsync());
        using Visitor thief = _world.NewVisitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", cookie))).Status);
        _world.Clock.Advance(SessionsFeature.FlushInterval);
        await _world.UntilAsync(async () => (await Store.KeysAsync()).Count == 0, "It is handed on.");
        await _world.UntilAsync(() => !File.Exists(Path.Combine(_world.DataDirectory, PendingRevocationFile.FileName)), "The file is empty.");
        using Visitor anew = await _world.SignedInAsync("alice");
        Assert.Equal(HttpStatusCode.OK, (await anew.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public void The_file_of_pending_revocations_reads_what_was_written_and_skips_a_truncated_line()
    {
        string folder = Directory.CreateTempSubdirectory("gateway-journal").FullName;
        try
        {
            PendingRevocationFile journal = new(folder);
            byte[] key = SessionSecret.Create().Key().ToBytes();
            string index = Convert.ToHexString(SessionSecret.Create().Key().ToBytes());
            DateTimeOffset at = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_123);
            Assert.True(journal.Note(key) && journal.Note(index, at, TimeSpan.FromHours(24)));
            File.AppendAllText(Path.Combine(folder, PendingRevocationFile.FileName), index[..40]);
            Assert.True(journal.Note(key));

            (IReadOnlyList<byte[]> keys, IReadOnlyList<(string, DateTimeOffset, TimeSpan)> indexes) = new PendingRevocationFile(folder).Read();

            Assert.Equal([key, key], keys);
            Assert.Equal([(index, at, TimeSpan.FromHours(24))], indexes);
            journal.ClearIf(() => false);
            Assert.NotEmpty(new PendingRevocationFile(folder).Read().Keys);
            journal.ClearIf(() => true);
            Assert.Empty(new PendingRevocationFile(folder).Read().Keys);
            Assert.False(new PendingRevocationFile(Path.Combine(folder, "missing")).Note(key));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void The_file_of_pending_revocations_does_not_grow_without_limit_when_one_revocation_repeats()
    {
        string folder = Directory.CreateTempSubdirectory("gateway-journal").FullName;
        try
        {
            PendingRevocationFile journal = new(folder);
            byte[] key = SessionSecret.Create().Key().ToBytes();
            string index = Convert.ToHexString(SessionSecret.Create().Key().ToBytes());
            DateTimeOffset at = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_123);
            Assert.True(journal.Note(key, flushToDisk: false));
            for (int number = 0; number < 1500; number++)
            {
                Assert.True(journal.Note(index, at.AddSeconds(number), TimeSpan.FromHours(24)));
            }

            Assert.InRange(File.ReadLines(Path.Combine(folder, PendingRevocationFile.FileName)).Count(line => line.Length > 0), 2, 1100);
            (IReadOnlyList<byte[]> keys, IReadOnlyList<(string Index, DateTimeOffset At, TimeSpan Kept)> indexes) = new PendingRevocationFile(folder).Read();
            Assert.Equal(key, Assert.Single(keys));
            Assert.Equal(at.AddSeconds(1499), indexes.Max(end => end.At));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("{0} 99999999999999999 5")]
    [InlineData("{0} -5 5")]
    [InlineData("{0} 1800000000123 99999999999999999")]
    [InlineData("{0} 1800000000123 -5")]
    [InlineData("{0} x y")]
    [InlineData("{0} 1 2 3")]
    [InlineData("\0\u00FF")]
    public async Task An_unreadable_line_in_the_file_of_pending_revocations_does_not_stop_the_start(string line)
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await _world.Gateway.DisposeAsync();
        string index = Convert.ToHexString(SessionSecret.Create().Key().ToBytes());
        await File.WriteAllTextAsync(
            Path.Combine(_world.DataDirectory, PendingRevocationFile.FileName),
            string.Format(System.Globalization.CultureInfo.InvariantCulture, line, index) + "\n",
            World.Ct);

        _world.StartGateway();
        await _world.Gateway.Services.GetRequiredService<PendingRevocations>().FlushPendingAsync(World.Ct);

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    /// <summary>The cookies may be made up, and each would make the disk wait.</summary>
    [Fact]
    public async Task Pending_revocations_of_unknown_sessions_survive_the_process_and_are_written_once()
    {
        Revocations revocations = _world.Gateway.Services.GetRequiredService<Revocations>();
        await _redis.KillAsync();
        SessionKey[] made = [.. Enumerable.Range(0, 100).Select(_ => SessionSecret.Create().Key())];
        foreach (SessionKey key in (SessionKey[])[.. made, .. made])
        {
            await revocations.EndAsync(key, SessionEnd.SignedOut, World.Ct);
        }

        Assert.Equal(
            made.Select(key => Convert.ToHexString(key.ToBytes())),
            new PendingRevocationFile(_world.DataDirectory).Read().Keys.Select(Convert.ToHexString));
    }

    [Fact]
    public void A_minute_budget_allows_its_limit_per_minute_even_if_the_clock_jumps()
    {
        MinuteBudget budget = new(2);
        DateTimeOffset now = DateTimeOffset.UnixEpoch.AddYears(56);

        Assert.Equal([true, true, false], [budget.TryTake(now), budget.TryTake(now), budget.TryTake(now.AddSeconds(59))]);
        Assert.True(budget.TryTake(now.AddMinutes(1)));
        Assert.True(budget.TryTake(now.AddHours(-1)));
    }

    /// <summary>Nothing of a made-up cookie is known: while the store is away each would be kept for it.</summary>
    [Fact]
    public async Task Sign_outs_with_forged_session_cookies_do_not_fill_the_memory_while_Redis_is_unavailable()
    {
        Revocations revocations = _world.Gateway.Services.GetRequiredService<Revocations>();
        SessionMemory memory = _world.Gateway.Services.GetRequiredService<SessionMemory>();
        using Visitor alice = await _world.SignedInAsync("alice");
        await _redis.KillAsync();
        int taken = 0;
        await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
        {
            for (; taken < 15_000; taken++)
            {
                await revocations.EndAsync(SessionSecret.Create().Key(), SessionEnd.SignedOut, World.Ct);
            }
        });
        using Visitor nobody = _world.NewVisitor();

        Page refused = await nobody.OpenAsync("/accounts/logout/", "same-origin", ("Cookie", "paperless-gateway=" + SessionSecret.Create().ToCookieValue()));

        Assert.Equal(10_000, taken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.Equal(10_000, memory.EndedSince(DateTimeOffset.MinValue).Count);
        Assert.Equal(HttpStatusCode.SeeOther, (await alice.OpenAsync("/accounts/logout/", "same-origin")).Status);
    }

    [Fact]
    public async Task The_tombstone_of_a_front_channel_logout_of_an_unknown_sid_expires_within_20_minutes()
    {
        using Visitor anybody = _world.NewVisitor();
        string issuer = Uri.EscapeDataString(_world.Provider.Issuer.AbsoluteUri);

        Assert.Equal(HttpStatusCode.OK, (await anybody.OpenAsync($"/accounts/oidc/authentik/logout/frontchannel/?iss={issuer}&sid=made-up")).Status);

        string mark = RedisNames.Prefix + "e:" + Convert.ToHexStringLower(SessionIndex.ForSid("authentik", _world.Provider.Issuer.AbsoluteUri, "made-up"));
        Assert.InRange(int.Parse((await _redis.AskAsync("TTL " + mark)).Trim(':', '\r', '\n'), System.Globalization.CultureInfo.InvariantCulture), 1100, 1200);
    }
}
