using System.Security.Cryptography;
using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Tests.Sessions;

public sealed class SessionRegistryTests
{
    [Fact]
    public async Task A_session_row_is_named_by_the_SHA_256_of_the_secret_and_opens_with_the_secret_only()
    {
        using SessionsOnDisk sessions = new();
        (SessionSecret secret, _) = await sessions.BeginAsync();
        byte[] bytes = Convert.FromBase64String(secret.ToCookieValue().Replace('-', '+').Replace('_', '/') + "=");

        Assert.Equal(32, bytes.Length);
        Assert.Equal(SHA256.HashData(bytes), sessions.Ask("SELECT key FROM sessions;"));
        byte[] record = (byte[])sessions.Ask("SELECT record FROM sessions;")!;
        Assert.Equal("alice", SessionRecord.Decrypt(record, secret)!.Identity.Username);
        Assert.Null(SessionRecord.Decrypt(record, SessionSecret.Create()));
        record[^1] ^= 1;
        Assert.Null(SessionRecord.Decrypt(record, secret));
        Assert.Null(SessionRecord.Decrypt([], secret));
    }

    [Fact]
    public async Task A_session_record_moved_to_another_row_opens_nothing()
    {
        using SessionsOnDisk sessions = new();
        (SessionSecret alice, Session ofAlice) = await sessions.BeginAsync("alice");
        (SessionSecret admin, Session ofAdmin) = await sessions.BeginAsync("admin");
        sessions.Ask(
            "UPDATE sessions SET record = (SELECT record FROM sessions WHERE key = $admin) WHERE key = $alice;",
            ("$admin", ofAdmin.Key.ToBytes()),
            ("$alice", ofAlice.Key.ToBytes()));
        sessions.Restart();

        Assert.Null(await sessions.FindAsync(alice));
        Assert.Equal("admin", (await sessions.FindAsync(admin))?.Identity.Username);
    }

    [Fact]
    public async Task Session_secrets_are_unique_and_never_printed()
    {
        using SessionsOnDisk sessions = new();
        (SessionSecret secret, Session session) = await sessions.BeginAsync();
        (SessionSecret other, _) = await sessions.BeginAsync();

        Assert.NotEqual(secret.ToCookieValue(), other.ToCookieValue());
        Assert.DoesNotContain(secret.ToCookieValue(), $"{secret} {session} {session.Key}", StringComparison.Ordinal);
        Assert.DoesNotContain("id.token", new SessionRecord(session.Identity, default, default, new ProviderTokens("id.token", "id.token", "id.token"))
            .ToString() + new ProviderTokens("id.token", "id.token", "id.token"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ID_token_for_the_logout_is_kept_in_the_store_only()
    {
        using SessionsOnDisk sessions = new();
        (SessionSecret secret, Session session) = await sessions.BeginAsync();

        Assert.Equal("id.token.alice", (await sessions.Registry.ReadRecordAsync(secret, SessionsOnDisk.Ct))?.Tokens.IdToken);
        await sessions.Revocations.EndAsync(session, SessionEnd.SignedOut, SessionsOnDisk.Ct);
        Assert.Null(await sessions.Registry.ReadRecordAsync(secret, SessionsOnDisk.Ct));
        Assert.Equal(0, sessions.Rows());
    }

    [Fact]
    public async Task The_session_cache_keeps_within_its_limit_and_evicted_sessions_are_loaded_from_the_store()
    {
        using SessionsOnDisk sessions = new(capacity: 10);
        List<SessionSecret> secrets = [];
        for (int made = 0; made < 30; made++)
        {
            secrets.Add((await sessions.BeginAsync($"person{made}")).Secret);
            sessions.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        sessions.Registry.TryFind(secrets[0].Key(), out _);
        await sessions.Maintenance.TidyAsync(SessionsOnDisk.Ct);

        Assert.Equal(10, sessions.Memory.All.Count());
        Assert.True(sessions.Registry.TryFind(secrets[0].Key(), out _), "What was just used stays.");
        Assert.False(sessions.Registry.TryFind(secrets[1].Key(), out _), "What was used longest ago goes.");
        for (int number = 0; number < secrets.Count; number++)
        {
            Assert.Equal($"person{number}", (await sessions.FindAsync(secrets[number]))?.Identity.Username);
        }
    }

    [Fact]
    public async Task A_thousand_sessions_that_started_together_are_not_rechecked_together()
    {
        using SessionsOnDisk sessions = new();
        List<SessionSecret> secrets = [];
        for (int made = 0; made < 1000; made++)
        {
            secrets.Add((await sessions.BeginAsync("alice")).Secret);
        }

        int[] due = new int[7];
        for (int step = 0; step < due.Length; step++)
        {
            foreach (SessionSecret secret in secrets)
            {
                Assert.True(sessions.Registry.TryFind(secret.Key(), out Session? session));
                due[step] += session!.IsRecheckDue ? 1 : 0;
            }

            sessions.Clock.Advance(step == 0 ? TimeSpan.FromMinutes(4) - TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(step == 1 ? 1 : 15));
        }

        // From four fifths of the interval on, an equal part in each quarter of what is left.
        Assert.Equal([0, 0], due[..2]);
        Assert.Equal(1000, due[6]);
        Assert.All(due[2..6].Zip(due[3..7]), pair => Assert.InRange(pair.Second - pair.First, 180, 320));
    }

    [Fact]
    public void The_session_cache_keeps_within_its_size_in_bytes_without_waiting_for_maintenance()
    {
        const int Most = 1024 * 1024;
        SessionMemory memory = new(SessionsFeature.MemoryCapacity, Most);
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        SessionRecord record = new(
            SessionsOnDisk.Person("alice") with { Groups = [.. Enumerable.Range(0, 20).Select(number => $"group {number}")] },
            now,
            now,
            new ProviderTokens(""));
        List<Session> all = [];
        for (int made = 0; made < 5_000; made++)
        {
            SessionSecret secret = SessionSecret.Create();
            Session session = new(secret, record, new StoredSession(secret.Key().ToBytes(), null, [], now.AddSeconds(made), now.AddHours(100), [], []))
            {
                LastCookies = new CookieMemo(new string('x', 8000), null)
            };
            Assert.InRange(session.Bytes, 16_000, 32_000);
            all.Add(memory.Add(session)!);
            if (made % 500 == 0)
            {
                Assert.InRange(memory.All.Sum(one => (long)one.Bytes), 1, Most + 32_000_000);
            }
        }

        memory.Trim(now);
        Assert.InRange(memory.All.Sum(session => (long)session.Bytes), Most / 2, Most);
        Assert.True(memory.TryGet(all[^1].Key, out _), "What was used last stays.");
        Assert.False(memory.TryGet(all[0].Key, out _), "What was used longest ago goes.");
    }

    [Fact]
    public void The_memory_of_ended_sessions_is_bounded_and_a_repeated_end_does_not_extend_it()
    {
        SessionMemory memory = new(10);
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        SessionKey first = SessionSecret.Create().Key();
        memory.MarkEnded(first, now);
        memory.MarkEnded(first, now.AddMinutes(59));
        memory.Trim(now.AddMinutes(60));
        Assert.True(memory.IsEnded(first));
        memory.Trim(now.AddMinutes(61));
        Assert.False(memory.IsEnded(first));

        for (ulong number = 0; number < 200_100; number++)
        {
            memory.MarkEnded(new SessionKey(number, number, 0, 0), now.AddMilliseconds(number));
        }

        memory.Trim(now.AddMinutes(4));
        Assert.Equal(200_000, memory.EndedSince(now).Count);
        Assert.False(memory.IsEnded(new SessionKey(0, 0, 0, 0)));
    }

    [Fact]
    public async Task A_session_with_an_open_WebSocket_stays_in_the_session_cache()
    {
        using SessionsOnDisk sessions = new(capacity: 0);
        (SessionSecret open, Session session) = await sessions.BeginAsync();
        (SessionSecret closed, _) = await sessions.BeginAsync();
        session.AddSocket();

        await sessions.Maintenance.TidyAsync(SessionsOnDisk.Ct);

        Assert.True(sessions.Registry.TryFind(open.Key(), out _));
        Assert.False(sessions.Registry.TryFind(closed.Key(), out _));
    }

    [Fact]
    public async Task Expired_session_rows_are_deleted_and_live_ones_are_kept()
    {
        using SessionsOnDisk sessions = new();
        await sessions.BeginAsync("idle");
        sessions.Clock.Advance(TimeSpan.FromMinutes(50));
        (SessionSecret live, _) = await sessions.BeginAsync("live");
        sessions.Clock.Advance(TimeSpan.FromMinutes(15));
        List<(Session, SessionEnd)> ended = [];
        sessions.Revocations.Ended += (session, cause) => ended.Add((session, cause));

        await sessions.Maintenance.TidyAsync(SessionsOnDisk.Ct);

        Assert.Equal(1, sessions.Rows());
        Assert.Equal(SessionEnd.Expired, Assert.Single(ended).Item2);
        Assert.Equal("live", (await sessions.FindAsync(live))?.Identity.Username);
        for (int hour = 0; hour < 9; hour++)
        {
            sessions.Clock.Advance(TimeSpan.FromMinutes(55));
            sessions.Registry.TryFind(live.Key(), out _);
            await sessions.Maintenance.TidyAsync(SessionsOnDisk.Ct);
        }

        Assert.Equal(0, sessions.Rows());
        Assert.Null(await sessions.FindAsync(live));
    }

    /// <summary>The store notes uses a little late; a sweep must not take what is only late.</summary>
    [Fact]
    public async Task A_session_used_just_before_its_idle_timeout_is_not_deleted()
    {
        using SessionsOnDisk sessions = new();
        (SessionSecret secret, _) = await sessions.BeginAsync();
        sessions.Clock.Advance(TimeSpan.FromSeconds(40));
        Assert.NotNull(await sessions.FindAsync(secret));
        await sessions.Maintenance.TidyAsync(SessionsOnDisk.Ct);
        sessions.Clock.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(20));
        await sessions.Maintenance.TidyAsync(SessionsOnDisk.Ct);
        Assert.NotNull(await sessions.FindAsync(secret));
        await sessions.Maintenance.TidyAsync(SessionsOnDisk.Ct);

        sessions.Restart();

        Assert.NotNull(await sessions.FindAsync(secret));
    }

    [Fact]
    public async Task Recording_a_use_never_restores_an_ended_session()
    {
        using SessionsOnDisk sessions = new();
        (SessionSecret secret, Session session) = await sessions.BeginAsync();
        await sessions.Revocations.EndAsync(session, SessionEnd.SignedOut, SessionsOnDisk.Ct);

        await sessions.Store.TouchAsync([(session.Key.ToBytes(), sessions.Clock.GetUtcNow())], SessionsOnDisk.Ct);
        await sessions.Maintenance.StoreUsesAsync(TimeSpan.Zero, SessionsOnDisk.Ct);

        Assert.Equal(0, sessions.Rows());
        Assert.Null(await sessions.FindAsync(secret));
    }
}
