using System.Collections.Concurrent;
using Gateway.Background;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>The end of all sessions of a `sid` or of a person.</summary>
/// <param name="Ttl">How long its tombstone stops sign-ins that were under way.</param>
/// <param name="Taken">Whether the store has it.</param>
internal sealed record Revocation(DateTimeOffset At, TimeSpan Ttl, bool Taken = false);

/// <summary>
/// Revocations that the store has not taken yet, or may lose in a failover. They are sent again until it has them, and a file keeps them over a
/// restart.
/// </summary>
internal sealed class PendingRevocations(SessionMemory memory, ISessionStore store, GatewaySettings settings, TimeProvider time, ILogger<SecurityLog> logger)
{
    /// <summary>While the store is away anyone can sign out with a made-up cookie: beyond this many no more are taken.</summary>
    private const int MaxPendingSessions = 10_000;

    /// <summary>This many revocations of a `sid` or person are resent after a failover; beyond that each is sent once.</summary>
    private const int MaxResent = 10_000;

    /// <summary>Ends of sessions that this process has not seen, written through to the disk each minute: their cookies may be made up.</summary>
    private const int MaxUnknownFlushedPerMinute = 60;

    private static readonly TimeSpan ResendInterval = TimeSpan.FromSeconds(30);

    /// <summary>A failover behind the same connection is not announced: revocations younger than this are resent in any case.</summary>
    private static readonly TimeSpan ResendTtl = TimeSpan.FromMinutes(5);

    private readonly PendingRevocationFile _file = new(settings.DataDirectory);
    private readonly MinuteBudget _unknownFlushes = new(MaxUnknownFlushedPerMinute);

    /// <summary>Sessions that ended and whose rows are still in the store, and whether the file has them.</summary>
    private readonly ConcurrentDictionary<SessionKey, bool> _sessions = new();

    /// <summary>Revocations of a `sid` or person by their index, until the store has taken them and for a while after that.</summary>
    private readonly ConcurrentDictionary<string, Revocation> _revocations = new();

    private long _resentAt;
    private bool _mustResendAll;

    /// <summary>The store ended this session when it was sent a revocation again.</summary>
    public event Action<SessionKey>? Revoked;

    /// <summary>Whether the store may still have the session only because it has not taken the revocation yet.</summary>
    public bool Covers(StoredSession stored, Session session)
    {
        if (_revocations.IsEmpty)
        {
            return false;
        }

        if (stored.SidIndex is { } sid && _revocations.ContainsKey(Convert.ToHexString(sid)))
        {
            return true;
        }

        return _revocations.TryGetValue(Convert.ToHexString(stored.PersonIndex), out Revocation? revocation) && !revocation.Taken
            && session.SignedInAt <= revocation.At;
    }

    /// <exception cref="StoreUnavailableException">So many wait for the store already that no more are taken.</exception>
    public void ThrowIfFull()
    {
        if (_sessions.Count >= MaxPendingSessions)
        {
            throw new StoreUnavailableException("so many sign-outs wait for it that no more are taken");
        }
    }

    public void Add(SessionKey key) => _sessions.TryAdd(key, false);

    public void Add(byte[] index, Revocation revocation) => _revocations[Convert.ToHexString(index)] = revocation;

    public void Remove(SessionKey key) => _sessions.TryRemove(key, out _);

    /// <summary>Removes the row of a session that ended.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer; the session stays pending.</exception>
    public async Task SendAsync(SessionKey key, CancellationToken cancellationToken)
    {
        await store.RemoveAsync(key.ToBytes(), cancellationToken);
        Remove(key);
    }

    /// <summary>Sends the store a new revocation of a `sid` or person; the file keeps a pending one that the store does not take.</summary>
    /// <returns>The keys of the sessions that the store had.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<byte[]>> SendAsync(byte[] index, Revocation revocation, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<byte[]> ended = await store.EndAllAsync(index, revocation.At, revocation.At + revocation.Ttl, late: false, cancellationToken);
            MarkTaken(index, revocation);
            return ended;
        }
        catch (StoreUnavailableException) when (_revocations.ContainsKey(Convert.ToHexString(index)))
        {
            _file.Note(Convert.ToHexString(index), revocation.At, revocation.Ttl);
            throw;
        }
    }

    /// <summary>Notes the end of a session that the store has not taken, once.</summary>
    /// <param name="known">Whether this process has seen the session: otherwise a budget bounds how often the disk is waited for.</param>
    /// <returns>Whether the note outlives this process.</returns>
    public bool NoteOnDisk(SessionKey key, bool known)
    {
        if (_sessions.TryGetValue(key, out bool noted) && noted)
        {
            return true;
        }

        noted = _file.Note(key.ToBytes(), atOnce: known || _unknownFlushes.TryTake(time.GetUtcNow()));
        _sessions.TryUpdate(key, noted, comparisonValue: false);
        return noted;
    }

    /// <summary>Reads the revocations that an earlier process could not send.</summary>
    public void LoadPending()
    {
        (IReadOnlyList<byte[]> keys, IReadOnlyList<(string Index, DateTimeOffset At, TimeSpan Kept)> indexes) = _file.Read();
        foreach (SessionKey key in keys.Select(bytes => SessionKey.FromBytes(bytes)))
        {
            _sessions[key] = true;
            memory.KeepEnded(key, time.GetUtcNow());
        }

        foreach ((string index, DateTimeOffset at, TimeSpan kept) in indexes)
        {
            _revocations[index] = new Revocation(at, kept);
        }
    }

    /// <summary>The store may have lost revocations: the next flush resends all that are known.</summary>
    public void ResendAll() => Volatile.Write(ref _mustResendAll, true);

    /// <summary>Sends the store the revocations that it did not take, and now and then those that it may have lost since.</summary>
    public async Task FlushPendingAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (SessionKey ended in _sessions.Keys)
        {
            // The mark that keeps it from being loaded again must last as long as its row does.
            memory.KeepEnded(ended, now);
        }

        try
        {
            Exception? failure = await EachAsync(
                _revocations.Where(entry => !entry.Value.Taken),
                entry => SendAgainAsync(entry.Key, entry.Value, cancellationToken));
            failure = await EachAsync(_sessions.Keys, ended => SendAsync(ended, cancellationToken)) ?? failure;
            if (failure is not null)
            {
                throw new InvalidOperationException("Not every revocation could be sent to the store.", failure);
            }

            _file.ClearIf(IsNothingPending);
            await ResendAfterFailoverAsync(now, cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            // It was logged when the revocation came; the next try comes soon.
        }
    }

    /// <summary>
    /// A store that fails over to a copy of itself loses its last writes, and has sessions again that had ended. Every replica resends the
    /// revocations that it knows, whichever replica made them.
    /// </summary>
    private async Task ResendAfterFailoverAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        bool all = Volatile.Read(ref _mustResendAll);
        if (!store.IsShared || (!all && now.UtcTicks - Volatile.Read(ref _resentAt) < ResendInterval.Ticks))
        {
            return;
        }

        Volatile.Write(ref _mustResendAll, false);
        Volatile.Write(ref _resentAt, now.UtcTicks);
        DateTimeOffset since = all ? DateTimeOffset.MinValue : now - ResendTtl;
        try
        {
            await store.RemoveAgainAsync([.. memory.EndedSince(since).Select(key => key.ToBytes())], cancellationToken);
            foreach ((string index, Revocation revocation) in _revocations.Where(entry => entry.Value.Taken && entry.Value.At >= since))
            {
                await SendAgainAsync(index, revocation, cancellationToken);
            }
        }
        catch (StoreUnavailableException) when (all)
        {
            ResendAll();
            throw;
        }

        foreach ((string index, Revocation revocation) in _revocations.Where(entry => entry.Value.Taken && now - entry.Value.At > SessionMemory.EndedKept))
        {
            _revocations.TryRemove(KeyValuePair.Create(index, revocation));
        }
    }

    /// <summary>A failure of the gateway's own on one of them does not keep the others from being sent.</summary>
    /// <returns>The last failure; null where all were sent.</returns>
    private static async Task<Exception?> EachAsync<T>(IEnumerable<T> all, Func<T, Task> send)
    {
        Exception? failure = null;
        foreach (T one in all)
        {
            try
            {
                await send(one);
            }
            catch (Exception error) when (error is not (StoreUnavailableException or OperationCanceledException))
            {
                failure = error;
            }
        }

        return failure;
    }

    private async Task SendAgainAsync(string index, Revocation revocation, CancellationToken cancellationToken)
    {
        byte[] bytes = Convert.FromHexString(index);
        foreach (byte[] key in await store.EndAllAsync(bytes, revocation.At, revocation.At + revocation.Ttl, late: true, cancellationToken))
        {
            Subscribers.Raise(Revoked, subscriber => subscriber(SessionKey.FromBytes(key)), "a revocation that was sent again", logger);
        }

        MarkTaken(bytes, revocation);
    }

    private void MarkTaken(byte[] index, Revocation revocation)
    {
        string name = Convert.ToHexString(index);
        if (!store.IsShared || _revocations.Count > MaxResent)
        {
            _revocations.TryRemove(KeyValuePair.Create(name, revocation));
        }
        else
        {
            _revocations.TryUpdate(name, revocation with { Taken = true }, revocation);
        }
    }

    private bool IsNothingPending() => _sessions.IsEmpty && _revocations.All(entry => entry.Value.Taken);
}
