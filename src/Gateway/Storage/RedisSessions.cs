using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Gateway.Settings;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Sessions in Redis, shared by all gateways. Each session is a hash that expires. Sets contain the sessions of a `sid` or person.</summary>
internal sealed class RedisSessions : ISessionStore
{
    private const string SessionKind = "session";
    private const string IndexKind = "index of sessions";
    private const string MemberKind = "name in an index of sessions";
    private const string TombstoneKind = "tombstone";
    private const string IsRemoved = "it is removed";
    private const string CountsAsNewTombstone = "it counts as a logout at this moment";

    /// <summary>Number of commands that are sent without waiting for each answer.</summary>
    private const int PipelineSize = 500;

    /// <summary>Milliseconds; longer than any lifetime.</summary>
    private const long NoIdleTimeout = 1_000_000_000_000_000;

    /// <summary>Redis keeps an idle session for this much longer, because gateways store uses in batches, and later if Redis is unavailable.</summary>
    private static readonly TimeSpan MaxUseDelay = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan CheckTtl = TimeSpan.FromMinutes(1);

    private readonly RedisConnection _redis;
    private readonly TimeProvider _time;
    private readonly long _idle;
    private readonly string _channel;
    private readonly string _replica = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private readonly RedisEndedSessions _ended;

    public RedisSessions(RedisConnection redis, GatewaySettings settings, TimeProvider time)
    {
        _redis = redis;
        _time = time;
        _idle = (long)(settings.Session.Idle + MaxUseDelay).TotalMilliseconds;
        _channel = string.Create(CultureInfo.InvariantCulture, $"{RedisNames.EndedChannel}{settings.Redis!.Options().DefaultDatabase ?? 0}");
        _ended = new RedisEndedSessions(redis, _channel, _replica);
    }

    public bool IsShared => true;

    public event Action<IReadOnlyList<byte[]>>? EndedElsewhere
    {
        add => _ended.Received += value;
        remove => _ended.Received -= value;
    }

    public event Action? MessagesLost
    {
        add => _redis.Restored += value;
        remove => _redis.Restored -= value;
    }

    public async Task<bool> AddAsync(StoredSession session, DateTimeOffset assertedAt, CancellationToken cancellationToken)
    {
        string name = Name(session.Key);
        string person = Name(session.PersonIndex);
        string sid = session.SidIndex is null ? "" : Name(session.SidIndex);
        RedisKey[] keys = [RedisNames.Session + name, RedisNames.Tombstone + person, RedisNames.SessionIndex + person];
        long answer = await RunAsync(
            RedisScripts.Add,
            sid.Length == 0 ? keys : [.. keys, RedisNames.Tombstone + sid, RedisNames.SessionIndex + sid],
            [
                Age(assertedAt), Milliseconds(session.UsedAt), Milliseconds(session.ExpiresAt), session.HasIdleTimeout ? _idle : NoIdleTimeout, name,
                RedisNames.Session, "sid", sid, "person", person, "used", Milliseconds(session.UsedAt), "expires", Milliseconds(session.ExpiresAt),
                "record", session.Record, "info", session.Info, "version", session.Version,
                RedisFields.HasIdleTimeout, session.HasIdleTimeout ? 1 : 0,
            ],
            cancellationToken);
        if (answer == -1)
        {
            _redis.Unreadable.Report(TombstoneKind, $"{person[..5]}-{sid.PadRight(5)[..5].Trim()}", CountsAsNewTombstone);
        }

        if (answer == 2)
        {
            // Rebuilds both indexes, because the result does not tell which one was unreadable. A rebuild does no harm.
            await RebuildIndexAsync(person, cancellationToken);
            await RebuildIndexAsync(sid, cancellationToken);
        }

        return answer > 0;
    }

    public async ValueTask<StoredSession?> FindAsync(byte[] key, CancellationToken cancellationToken)
    {
        RedisKey name = RedisNames.Session + Name(key);
        return Read(key, await _redis.ReadAsync(redis => redis.HashGetAllAsync(name, CommandFlags.DemandMaster), SessionKind, name, [], cancellationToken));
    }

    public async Task<bool> ReplaceAsync(byte[] key, long version, byte[] record, byte[] info, CancellationToken cancellationToken) =>
        await RunAsync(RedisScripts.Replace, [RedisNames.Session + Name(key)], [version, record, info], cancellationToken) == 1;

    public async Task TouchAsync(IReadOnlyCollection<(byte[] Key, DateTimeOffset UsedAt)> uses, CancellationToken cancellationToken)
    {
        foreach ((byte[] Key, DateTimeOffset UsedAt)[] batch in uses.Chunk(PipelineSize))
        {
            await Task.WhenAll(
                batch.Select(use => RunAsync(RedisScripts.Touch, [RedisNames.Session + Name(use.Key)], [Milliseconds(use.UsedAt), _idle], cancellationToken)));
        }
    }

    public Task SetInfoAsync(byte[] key, byte[] info, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.SetInfo, [RedisNames.Session + Name(key)], [info], cancellationToken);

    public async Task<bool> RemoveAsync(byte[] key, CancellationToken cancellationToken) =>
        await RunAsync(
            RedisScripts.Remove,
            [RedisNames.Session + Name(key)],
            [Name(key), _channel, _replica, 1, RedisNames.SessionIndex],
            cancellationToken) == 1;

    public async Task RemoveAgainAsync(IReadOnlyCollection<byte[]> keys, CancellationToken cancellationToken)
    {
        foreach (byte[][] batch in keys.Chunk(PipelineSize))
        {
            await Task.WhenAll(batch.Select(key => RunAsync(
                RedisScripts.Remove,
                [RedisNames.Session + Name(key)],
                [Name(key), _channel, _replica, 0, RedisNames.SessionIndex],
                cancellationToken)));
        }
    }

    public async Task<IReadOnlyList<byte[]>> EndAllAsync(byte[] index, DateTimeOffset at, DateTimeOffset until, bool late, CancellationToken cancellationToken)
    {
        string name = Name(index);
        string[] ended = await RunAsync();
        if (ended is [RedisScripts.UnreadableIndex])
        {
            await RebuildIndexAsync(name, cancellationToken);
            ended = await RunAsync();
        }

        if (ended is [RedisScripts.UnreadableIndex])
        {
            // No session was ended. The caller retries.
            throw new StoreUnavailableException("the index of sessions cannot be read");
        }

        if (ended.Contains(RedisScripts.UnreadableMember))
        {
            _redis.Unreadable.Report(MemberKind, name, IsRemoved);
        }

        if (ended.Contains(RedisScripts.UnreadableTombstone))
        {
            _redis.Unreadable.Report(TombstoneKind, name, CountsAsNewTombstone);
        }

        return [.. ended.Select(RedisFields.Hash).OfType<byte[]>()];

        async Task<string[]> RunAsync() => (string[])(await _redis.ExecuteAsync(
            redis => redis.ScriptEvaluateAsync(
                RedisScripts.EndAll,
                [RedisNames.SessionIndex + name, RedisNames.Tombstone + name],
                [
                    Age(at),
                    Milliseconds(until) - Milliseconds(_time.GetUtcNow()),
                    _channel,
                    _replica,
                    late ? 1 : 0,
                    name,
                    RedisNames.Session,
                    RedisNames.SessionIndex,
                ],
                CommandFlags.DemandMaster),
            cancellationToken))!;
    }

    public Task<bool> AnyAsync(byte[] index, CancellationToken cancellationToken) =>
        _redis.ExecuteAsync(redis => redis.KeyExistsAsync(RedisNames.SessionIndex + Name(index), CommandFlags.DemandMaster), cancellationToken);

    public async Task<IReadOnlyList<StoredSession>> FindByPersonAsync(byte[] personIndex, CancellationToken cancellationToken)
    {
        string index = RedisNames.SessionIndex + Name(personIndex);
        List<StoredSession> sessions = [];
        foreach (RedisValue member in await MembersAsync(Name(personIndex), cancellationToken))
        {
            string name = member.ToString();
            if (RedisFields.Hash(name) is not { } key)
            {
                _redis.Unreadable.Report(MemberKind, index, IsRemoved);
                await _redis.ExecuteAsync(redis => redis.SetRemoveAsync(index, member), cancellationToken);
            }
            else if (await FindAsync(key, cancellationToken) is { } session)
            {
                sessions.Add(session);
            }
            else
            {
                await RunAsync(RedisScripts.Prune, [index, RedisNames.Session + name], [name], cancellationToken);
            }
        }

        return [.. sessions.OrderByDescending(session => session.UsedAt)];
    }

    public async IAsyncEnumerable<StoredSession> ListAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // SCAN may return a key twice.
        HashSet<string> seen = [];
        List<string> page = [];
        await using IAsyncEnumerator<RedisKey> keys = _redis.KeysAsync(RedisNames.Session + "*").GetAsyncEnumerator(cancellationToken);
        bool more = true;
        while (more)
        {
            more = await _redis.ExecuteAsync(_ => keys.MoveNextAsync().AsTask(), cancellationToken);
            if (more && keys.Current.ToString() is var name && seen.Add(name))
            {
                page.Add(name);
            }

            if (page.Count == PipelineSize || !more)
            {
                foreach (StoredSession? session in await Task.WhenAll(page.Select(one => FindByNameAsync(one[RedisNames.Session.Length..], cancellationToken))))
                {
                    if (session is not null)
                    {
                        yield return session;
                    }
                }

                page.Clear();
            }
        }
    }

    /// <summary>Does nothing: Redis expires keys by itself.</summary>
    public Task<int> SweepAsync(DateTimeOffset now, TimeSpan idle, CancellationToken cancellationToken) => Task.FromResult(0);

    /// <summary>Writes: a Redis whose memory is full still answers, but nobody can sign in.</summary>
    public Task CheckAsync(CancellationToken cancellationToken) =>
        _redis.ExecuteAsync(redis => redis.StringSetAsync(RedisNames.Check, "1", CheckTtl), cancellationToken);

    /// <summary>The names of the sessions in an index. An unreadable index is rebuilt, so that no session is missing.</summary>
    private async Task<RedisValue[]> MembersAsync(string name, CancellationToken cancellationToken)
    {
        RedisKey index = RedisNames.SessionIndex + name;
        RedisValue[]? members = await _redis.ReadAsync(QueryAsync, IndexKind, index, absent: null, cancellationToken);
        if (members is null)
        {
            await RebuildIndexAsync(name, cancellationToken);
            members = await _redis.ReadAsync(QueryAsync, IndexKind, index, absent: null, cancellationToken);
        }

        return members ?? [];

        async Task<RedisValue[]?> QueryAsync(IDatabase redis) => await redis.SetMembersAsync(index, CommandFlags.DemandMaster);
    }

    /// <summary>Rebuilds the index of a `sid` or person by reading all sessions: a logout must not miss a session.</summary>
    private async Task RebuildIndexAsync(string name, CancellationToken cancellationToken)
    {
        if (name.Length == 0)
        {
            return;
        }

        _redis.Unreadable.Report(IndexKind, name, "it is rebuilt from the sessions");
        await foreach (StoredSession session in ListAllAsync(cancellationToken))
        {
            if (Name(session.PersonIndex) == name || (session.SidIndex is { } sid && Name(sid) == name))
            {
                await RunAsync(
                    RedisScripts.AddToIndex,
                    [RedisNames.SessionIndex + name, RedisNames.Session + Name(session.Key)],
                    [Name(session.Key)],
                    cancellationToken);
            }
        }
    }

    private async Task<StoredSession?> FindByNameAsync(string name, CancellationToken cancellationToken)
    {
        if (RedisFields.Hash(name) is { } key)
        {
            return await FindAsync(key, cancellationToken);
        }

        _redis.Unreadable.Report(SessionKind, name);
        return null;
    }

    private async Task<long> RunAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        (long)await _redis.ExecuteAsync(redis => redis.ScriptEvaluateAsync(script, keys, values, CommandFlags.DemandMaster), cancellationToken);

    /// <returns>
    /// Null if there is no session or if it cannot be read. An unreadable session is not removed, because a newer gateway may be able to read it. It
    /// gives no access, and is removed when it expires or when its person or `sid` is signed out.
    /// </returns>
    private StoredSession? Read(byte[] key, HashEntry[] entries)
    {
        if (entries.Length == 0)
        {
            return null;
        }

        if (new RedisFields(entries).Session(key) is { } session)
        {
            return session;
        }

        _redis.Unreadable.Report(SessionKind, Name(key));
        return null;
    }

    /// <summary>The age in milliseconds by this gateway's clock. Scripts take ages, because the clocks of gateways may differ.</summary>
    private long Age(DateTimeOffset at) => Math.Max(Milliseconds(_time.GetUtcNow()) - Milliseconds(at), 0);

    private static string Name(byte[] hash) => Convert.ToHexStringLower(hash);

    private static long Milliseconds(DateTimeOffset at) => at.ToUnixTimeMilliseconds();
}
