using System.Security.Cryptography;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Storage;

/// <summary>What every session store must do.</summary>
public abstract class SessionStoreContract : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());

    private StoreUnderTest _store = null!;

    private ISessionStore Store => _store.Sessions;

    private IReplayCache ReplayCache => _store.ReplayCache;

    private ILease Lease => _store.Lease;

    private static CancellationToken Ct => StoreUnderTest.Ct;

    private protected abstract Task<StoreUnderTest> StartAsync();

    public async ValueTask InitializeAsync() => _store = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_stored_session_is_found_as_it_was_added()
    {
        StoredSession made = await AddAsync();
        StoredSession withoutSid = await AddAsync(Hash(), sid: null);

        AssertSame(made, await Store.FindAsync(made.Key, Ct));
        AssertSame(withoutSid, await Store.FindAsync(withoutSid.Key, Ct));
        Assert.Null(await Store.FindAsync(Hash(), Ct));
    }

    [Fact]
    public async Task A_session_record_is_replaced_only_at_the_expected_version()
    {
        StoredSession made = await AddAsync();

        Assert.True(await Store.ReplaceAsync(made.Key, 1, [7], [8, 0, 255], Ct));
        Assert.False(await Store.ReplaceAsync(made.Key, 1, [9], [9], Ct));

        AssertSame(made with { Record = [7], Info = [8, 0, 255], Version = 2 }, await Store.FindAsync(made.Key, Ct));
        Assert.True(await Store.ReplaceAsync(made.Key, 2, [10], [10], Ct));
    }

    [Fact]
    public async Task Of_concurrent_replacements_of_one_version_one_wins()
    {
        StoredSession made = await AddAsync();

        bool[] won = await Task.WhenAll(Enumerable.Range(0, 16).Select(number => Task.Run(() => Store.ReplaceAsync(made.Key, 1, [(byte)number], [0], Ct), Ct)));

        int winner = Assert.Single(Enumerable.Range(0, 16), number => won[number]);
        Assert.Equal([(byte)winner], (await Store.FindAsync(made.Key, Ct))!.Record);
    }

    [Fact]
    public async Task The_last_use_of_a_session_is_recorded_and_never_goes_back()
    {
        StoredSession made = await AddAsync();
        StoredSession other = await AddAsync();

        await Store.TouchAsync([(made.Key, Now.AddMinutes(5)), (other.Key, Now.AddMinutes(1)), (Hash(), Now)], Ct);
        await Store.TouchAsync([(made.Key, Now.AddMinutes(3))], Ct);
        await Store.TouchAsync([], Ct);

        AssertSame(made with { UsedAt = Now.AddMinutes(5) }, await Store.FindAsync(made.Key, Ct));
        AssertSame(other with { UsedAt = Now.AddMinutes(1) }, await Store.FindAsync(other.Key, Ct));
    }

    [Fact]
    public async Task No_write_restores_a_removed_session()
    {
        StoredSession made = await AddAsync();
        Assert.True(await Store.RemoveAsync(made.Key, Ct));
        Assert.False(await Store.RemoveAsync(made.Key, Ct));

        Assert.False(await Store.ReplaceAsync(made.Key, 1, [1], [1], Ct));
        await Store.TouchAsync([(made.Key, Now.AddMinutes(1))], Ct);
        Assert.False(await Lease.TryAcquireLeaseAsync(made.Key, TimeSpan.FromMinutes(1), Ct));

        Assert.Null(await Store.FindAsync(made.Key, Ct));
        Assert.Empty(await Store.FindByPersonAsync(made.PersonIndex, Ct));
        Assert.Empty(await ListAllAsync());
    }

    [Fact]
    public async Task Replacements_and_uses_racing_an_end_never_restore_a_session()
    {
        for (int round = 0; round < 300; round++)
        {
            StoredSession made = await AddAsync();
            using Barrier start = new(4);
            Task[] writers =
            [
                RaceAsync(start, () => Store.ReplaceAsync(made.Key, 1, [1], [1], Ct)),
                RaceAsync(start, () => Store.TouchAsync([(made.Key, Now.AddMinutes(round))], Ct)),
                RaceAsync(start, () => Lease.TryAcquireLeaseAsync(made.Key, TimeSpan.FromMinutes(1), Ct)),
                RaceAsync(start, () => round % 3 == 0
                    ? Store.RemoveAsync(made.Key, Ct)
                    : Store.EndAllAsync(round % 3 == 1 ? made.PersonIndex : made.SidIndex!, Now, Now.AddHours(1), late: false, Ct)),
            ];
            await Task.WhenAll(writers);

            Assert.Null(await Store.FindAsync(made.Key, Ct));
            Assert.Empty(await Store.FindByPersonAsync(made.PersonIndex, Ct));
        }

        Assert.Empty(await ListAllAsync());
    }

    [Fact]
    public async Task A_sign_in_racing_the_end_of_its_sid_never_leaves_a_session()
    {
        for (int round = 0; round < 200; round++)
        {
            StoredSession made = New();
            using Barrier start = new(2);
            await Task.WhenAll(
                RaceAsync(start, () => Store.AddAsync(made, Now, Ct)),
                RaceAsync(start, () => Store.EndAllAsync(made.SidIndex!, Now, Now.AddHours(1), late: false, Ct)));

            Assert.Null(await Store.FindAsync(made.Key, Ct));
        }
    }

    [Fact]
    public async Task The_end_of_a_sid_ends_its_sessions_and_no_others()
    {
        byte[] person = Hash();
        byte[] sid = Hash();
        StoredSession first = await AddAsync(person, sid);
        StoredSession second = await AddAsync(person, sid);
        StoredSession other = await AddAsync(person, Hash());
        StoredSession none = await AddAsync(person, sid: null);

        AssertKeys([first, second], await Store.EndAllAsync(sid, Now, Now.AddHours(1), late: false, Ct));
        Assert.Empty(await Store.EndAllAsync(sid, Now, Now.AddHours(1), late: false, Ct));

        AssertKeys([other, none], [.. (await Store.FindByPersonAsync(person, Ct)).Select(session => session.Key)]);
        Assert.Null(await Store.FindAsync(first.Key, Ct));
        AssertSame(other, await Store.FindAsync(other.Key, Ct));
    }

    [Fact]
    public async Task The_end_of_a_person_ends_all_sessions_of_that_person_and_no_others()
    {
        byte[] person = Hash();
        byte[] sid = Hash();
        StoredSession first = await AddAsync(person, sid);
        StoredSession second = await AddAsync(person, sid: null);
        StoredSession somebody = await AddAsync();

        AssertKeys([first, second], await Store.EndAllAsync(person, Now, Now.AddHours(1), late: false, Ct));

        Assert.Empty(await Store.FindByPersonAsync(person, Ct));
        Assert.Empty(await Store.EndAllAsync(sid, Now, Now.AddHours(1), late: false, Ct));
        AssertKeys([somebody], [.. (await ListAllAsync()).Select(session => session.Key)]);
    }

    [Fact]
    public async Task A_sign_in_in_progress_is_stopped_by_the_end_of_its_sid_and_by_a_later_end_of_the_person()
    {
        DateTimeOffset then = Now.AddMinutes(-10);
        byte[] person = Hash();
        byte[] sid = Hash();
        await Store.EndAllAsync(sid, then, Now.AddHours(1), late: false, Ct);
        await Store.EndAllAsync(person, then, Now.AddHours(1), late: false, Ct);
        await Store.EndAllAsync(person, then.AddMinutes(-1), Now.AddMinutes(1), late: false, Ct);

        Assert.False(await Store.AddAsync(New(Hash(), sid), then.AddMinutes(5), Ct));
        Assert.False(await Store.AddAsync(New(person, Hash()), then.AddSeconds(-10), Ct));
        Assert.False(await Store.AddAsync(New(person, sid: null), then.AddSeconds(-90), Ct));
        Assert.True(await Store.AddAsync(New(person, Hash()), then.AddSeconds(10), Ct));
        Assert.Single(await ListAllAsync());
    }

    /// <summary>The store was away when it came, and the person has signed in anew since.</summary>
    [Fact]
    public async Task A_delayed_end_of_a_person_spares_later_sessions_and_a_delayed_end_of_a_sid_spares_none()
    {
        DateTimeOffset end = Now.AddMinutes(-10);
        byte[] person = Hash();
        byte[] sid = Hash();
        StoredSession before = New(person, Hash());
        StoredSession after = New(person, sid);
        Assert.True(await Store.AddAsync(before, end.AddMinutes(-1), Ct));
        Assert.True(await Store.AddAsync(after, end.AddMinutes(1), Ct));

        AssertKeys([before], await Store.EndAllAsync(person, end, Now.AddHours(1), late: true, Ct));
        AssertKeys([after], [.. (await Store.FindByPersonAsync(person, Ct)).Select(session => session.Key)]);
        AssertKeys([after], await Store.EndAllAsync(sid, end, Now.AddHours(1), late: true, Ct));
        Assert.Empty(await ListAllAsync());
    }

    [Fact]
    public async Task An_immediate_end_spares_no_session_whatever_the_clocks_say()
    {
        byte[] person = Hash();
        StoredSession made = New(person, Hash());
        Assert.True(await Store.AddAsync(made, DateTimeOffset.UtcNow.AddMinutes(10), Ct));

        AssertKeys([made], await Store.EndAllAsync(person, Now, Now.AddHours(1), late: false, Ct));
    }

    [Fact]
    public async Task The_sessions_of_a_person_are_ordered_by_last_use()
    {
        byte[] person = Hash();
        StoredSession first = await AddAsync(person);
        StoredSession second = await AddAsync(person);
        await AddAsync();
        await Store.TouchAsync([(first.Key, Now.AddSeconds(20)), (second.Key, Now.AddSeconds(10))], Ct);

        IReadOnlyList<StoredSession> sessions = await Store.FindByPersonAsync(person, Ct);

        Assert.Equal([first.Key, second.Key], sessions.Select(session => session.Key));
        Assert.Empty(await Store.FindByPersonAsync(Hash(), Ct));
    }

    [Fact]
    public async Task All_sessions_are_listed_exactly_once()
    {
        StoredSession[] made = await Task.WhenAll(Enumerable.Range(0, 1200).Select(_ => AddAsync()));

        AssertKeys(made, [.. (await ListAllAsync()).Select(session => session.Key)]);
    }

    [Fact]
    public async Task Of_concurrent_attempts_to_mark_a_replay_key_as_used_one_wins()
    {
        byte[] jti = Hash();

        bool[] taken = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => Task.Run(() => ReplayCache.TryMarkUsedAsync(jti, DateTimeOffset.UtcNow.AddMinutes(2), Ct), Ct)));

        Assert.Single(taken, one => one);
        Assert.True(await ReplayCache.WasUsedAsync(jti, Ct));
        Assert.False(await ReplayCache.WasUsedAsync(Hash(), Ct));
        Assert.True(await ReplayCache.TryMarkUsedAsync(Hash(), DateTimeOffset.UtcNow.AddMinutes(2), Ct));
    }

    [Fact]
    public async Task Of_concurrent_attempts_to_acquire_a_recheck_lease_one_wins_until_it_is_released_or_expires()
    {
        StoredSession made = await AddAsync();

        bool[] claimed = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => Task.Run(() => Lease.TryAcquireLeaseAsync(made.Key, TimeSpan.FromMinutes(1), Ct), Ct)));

        Assert.Single(claimed, one => one);
        Assert.False(await Lease.IsLeaseFreeAsync(made.Key, Ct));
        await Lease.ReleaseLeaseAsync(made.Key, Ct);
        Assert.True(await Lease.IsLeaseFreeAsync(made.Key, Ct));
        Assert.True(await Lease.TryAcquireLeaseAsync(made.Key, TimeSpan.FromSeconds(1), Ct));
        await Wait.UntilAsync(() => Lease.TryAcquireLeaseAsync(made.Key, TimeSpan.FromMinutes(1), Ct), "The lease of a second is over.");
        Assert.False(await Lease.TryAcquireLeaseAsync(made.Key, TimeSpan.FromSeconds(1), Ct));
        AssertSame(made, await Store.FindAsync(made.Key, Ct));
    }

    [Fact]
    public async Task Expired_sessions_tombstones_and_replay_marks_are_deleted()
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        byte[] person = Hash();
        byte[] ended = Hash();
        byte[] jti = Hash();
        StoredSession brief = New(person, Hash()) with { ExpiresAt = now.AddSeconds(1), UsedAt = now };
        StoredSession lasting = await AddAsync(person);
        Assert.True(await Store.AddAsync(brief, Now, Ct));
        await Store.EndAllAsync(ended, now, now.AddSeconds(1), late: false, Ct);
        await ReplayCache.TryMarkUsedAsync(jti, now.AddSeconds(1), Ct);

        // Redis lets its keys expire by its own clock, SQLite in a sweep.
        await Wait.UntilAsync(
            async () =>
            {
                await Store.SweepAsync(now.AddSeconds(2), TimeSpan.FromHours(1), Ct);
                return await ReplayCache.TryMarkUsedAsync(jti, now.AddHours(1), Ct);
            },
            "The mark of the token expires.");
        await Wait.UntilAsync(async () => await Store.FindAsync(brief.Key, Ct) is null, "The session expires.");
        AssertKeys([lasting], [.. (await Store.FindByPersonAsync(person, Ct)).Select(session => session.Key)]);
        await Wait.UntilAsync(() => Store.AddAsync(New(Hash(), ended), Now, Ct), "The tombstone expires.");
    }

    [Fact]
    public async Task The_check_of_an_available_store_succeeds() => await Store.CheckAsync(Ct);

    private static Task RaceAsync(Barrier start, Func<Task> step) => Task.Factory.StartNew(
        () =>
        {
            start.Meet();
            step().GetAwaiter().GetResult();
        },
        Ct,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    private Task<StoredSession> AddAsync() => AddAsync(Hash());

    private Task<StoredSession> AddAsync(byte[] person) => AddAsync(person, Hash());

    private async Task<StoredSession> AddAsync(byte[] person, byte[]? sid)
    {
        StoredSession made = New(person, sid);
        Assert.True(await Store.AddAsync(made, Now, Ct));
        return made;
    }

    private static StoredSession New() => New(Hash(), Hash());

    private static StoredSession New(byte[] person, byte[]? sid) => new(Hash(), sid, person, Now, Now.AddHours(8), [1, 0, 2, 255], [3, 0, 128]);

    private async Task<List<StoredSession>> ListAllAsync()
    {
        List<StoredSession> all = [];
        await foreach (StoredSession session in Store.ListAllAsync(Ct))
        {
            all.Add(session);
        }

        return all;
    }

    private static byte[] Hash() => RandomNumberGenerator.GetBytes(32);

    private static void AssertSame(StoredSession wanted, StoredSession? found) => Assert.Equivalent(wanted, found, strict: true);

    private static void AssertKeys(IEnumerable<StoredSession> wanted, IEnumerable<byte[]> found) => Assert.Equal(
        wanted.Select(session => Convert.ToHexString(session.Key)).Order(StringComparer.Ordinal),
        found.Select(Convert.ToHexString).Order(StringComparer.Ordinal));
}

public sealed class SqliteSessionStoreTests : SessionStoreContract
{
    private protected override Task<StoreUnderTest> StartAsync() => Task.FromResult<StoreUnderTest>(new SqliteUnderTest());
}

[Needs(RealPart.Redis)]
public sealed class RedisSessionStoreTests : SessionStoreContract
{
    private protected override async Task<StoreUnderTest> StartAsync() => await RedisUnderTest.StartAsync();
}
