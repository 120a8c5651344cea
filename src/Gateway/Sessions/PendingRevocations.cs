using System.Collections.Concurrent;
using Gateway.Background;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>The end of all sessions of a `sid` or of a person.</summary>
/// <param name="Ttl">How long the tombstone stops sign-ins that had begun before the revocation.</param>
/// <param name="IsStored">Whether the store has accepted the revocation.</param>
internal sealed record Revocation(DateTimeOffset At, TimeSpan Ttl, bool IsStored = false);

/// <summary>
/// Revocations that the store has not accepted yet, or that it may lose in a failover. They are sent again until the store has them. A file keeps
/// them over a restart.
/// </summary>
internal sealed class PendingRevocations(SessionMemory memory, ISessionStore store, StorageSettings settings, TimeProvider time, ILogger<SecurityLog> logger)
{
    /// <summary>While the store is unavailable, anyone can sign out with a made-up cookie. More pending sign-outs than this are refused.</summary>
    private const int MaxPendingSessions = 10_000;

    /// <summary>This many revocations of a `sid` or person are resent after a failover. Any further revocation is sent once.</summary>
    private const int MaxResent = 10_000;

    /// <summary>Limits how often the disk is flushed for sessions that this process does not know: their cookies may be made up.</summary>
    private const int MaxUnknownFlushedPerMinute = 60;

    private static readonly TimeSpan ResendInterval = TimeSpan.FromSeconds(30);

    /// <summary>The gateway cannot see a failover behind an open connection, so it always resends revocations younger than this.</summary>
    private static readonly TimeSpan ResendTtl = TimeSpan.FromMinutes(5);

    private readonly PendingRevocationFile _file = new(settings.DataDirectory);
    private readonly MinuteBudget _unknownFlushes = new(MaxUnknownFlushedPerMinute);

    /// <summary>Ended sessions whose rows are still in the store. The value says whether the file has the session.</summary>
    private readonly ConcurrentDictionary<SessionKey, bool> _sessions = new();

    /// <summary>Revocations by the index of a `sid` or person. They stay here for an hour after the store has accepted them.</summary>
    private readonly ConcurrentDictionary<string, Revocation> _revocations = new();

    private long _resentAt;
    private bool _mustResendAll;

    /// <summary>A resent revocation ended this session in the store.</summary>
    public event Action<SessionKey>? Revoked;

    /// <summary>Whether a pending revocation applies to a session that the store still has.</summary>
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

        return _revocations.TryGetValue(Convert.ToHexString(stored.PersonIndex), out Revocation? revocation) && !revocation.IsStored
            && session.SignedInAt <= revocation.At;
    }

    /// <exception cref="StoreUnavailableException">Too many sign-outs wait for the store already.</exception>
    public void ThrowIfFull()
    {
        if (_sessions.Count >= MaxPendingSessions)
        {
            throw new StoreUnavailableException("too many sign-outs wait for the store");
        }
    }

    public void Add(SessionKey key) => _sessions.TryAdd(key, false);

    public void Add(byte[] index, Revocation revocation) => _revocations[Convert.ToHexString(index)] = revocation;

    public void Remove(SessionKey key) => _sessions.TryRemove(key, out _);

    /// <summary>Removes the row of an ended session from the store.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer; the session stays pending.</exception>
    public async Task SendAsync(SessionKey key, CancellationToken cancellationToken)
    {
        await store.RemoveAsync(key.ToBytes(), cancellationToken);
        Remove(key);
    }

    /// <summary>Sends a new revocation of a `sid` or person to the store. If the store does not answer, the file keeps a pending revocation.</summary>
    /// <returns>The keys of the sessions that the store ended.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<byte[]>> SendAsync(byte[] index, Revocation revocation, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<byte[]> ended = await store.EndAllAsync(index, revocation.At, revocation.At + revocation.Ttl, late: false, cancellationToken);
            MarkStored(index, revocation);
            return ended;
        }
        catch (StoreUnavailableException) when (_revocations.ContainsKey(Convert.ToHexString(index)))
        {
            _file.Note(Convert.ToHexString(index), revocation.At, revocation.Ttl);
            throw;
        }
    }

    /// <summary>Writes the end of a session to the file, once, because the store has not accepted it.</summary>
    /// <param name="known">Whether this process has seen the session. For other sessions a rate limit applies to flushing the disk.</param>
    /// <returns>Whether the note outlives this process.</returns>
    public bool NoteOnDisk(SessionKey key, bool known)
    {
        if (_sessions.TryGetValue(key, out bool noted) && noted)
        {
            return true;
        }

        noted = _file.Note(key.ToBytes(), flushToDisk: known || _unknownFlushes.TryTake(time.GetUtcNow()));
        _sessions.TryUpdate(key, noted, comparisonValue: false);
        return noted;
    }

    /// <summary>Reads the revocations that an earlier process could not send.</summary>
    public void LoadPending()
    {
        (IReadOnlyList<byte[]> keys, IReadOnlyList<(string Index, DateTimeOffset At, TimeSpan Ttl)> indexes) = _file.Read();
        foreach (SessionKey key in keys.Select(bytes => SessionKey.FromBytes(bytes)))
        {
            _sessions[key] = true;
            memory.RefreshEnded(key, time.GetUtcNow());
        }

        foreach ((string index, DateTimeOffset at, TimeSpan ttl) in indexes)
        {
            _revocations[index] = new Revocation(at, ttl);
        }
    }

    /// <summary>Makes the next flush resend all known revocations, because the store may have lost some.</summary>
    public void ResendAll() => Volatile.Write(ref _mustResendAll, true);

    /// <summary>Sends pending revocations to the store, and every 30 seconds also recent ones that a failover may have lost.</summary>
    public async Task FlushPendingAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (SessionKey ended in _sessions.Keys)
        {
            // Memory must refuse to load the session for as long as the store still has its row.
            memory.RefreshEnded(ended, now);
        }

        try
        {
            Exception? failure = await ForEachAsync(
                _revocations.Where(entry => !entry.Value.IsStored),
                entry => ResendAsync(entry.Key, entry.Value, cancellationToken));
            failure = await ForEachAsync(_sessions.Keys, ended => SendAsync(ended, cancellationToken)) ?? failure;
            if (failure is not null)
            {
                throw new InvalidOperationException("Not every revocation could be sent to the store.", failure);
            }

            _file.ClearIf(IsNothingPending);
            await ResendAfterFailoverAsync(now, cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            // The failure was logged when the revocation was made. The next flush tries again.
        }
    }

    /// <summary>
    /// A store that fails over to a replica of itself loses its last writes, and ended sessions reappear. Every gateway resends all revocations that
    /// it knows, including those that other gateways made.
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
            foreach ((string index, Revocation revocation) in _revocations.Where(entry => entry.Value.IsStored && entry.Value.At >= since))
            {
                await ResendAsync(index, revocation, cancellationToken);
            }
        }
        catch (StoreUnavailableException) when (all)
        {
            ResendAll();
            throw;
        }

        foreach ((string index, Revocation revocation) in _revocations.Where(entry => entry.Value.IsStored && now - entry.Value.At > SessionMemory.EndedTtl))
        {
            _revocations.TryRemove(KeyValuePair.Create(index, revocation));
        }
    }

    /// <summary>Sends each item, even if an unexpected error occurs with another one.</summary>
    /// <returns>The last unexpected error; null if all items were sent.</returns>
    private static async Task<Exception?> ForEachAsync<T>(IEnumerable<T> all, Func<T, Task> send)
    {
        Exception? failure = null;
        foreach (T item in all)
        {
            try
            {
                await send(item);
            }
            catch (Exception error) when (error is not (StoreUnavailableException or OperationCanceledException))
            {
                failure = error;
            }
        }

        return failure;
    }

    private async Task ResendAsync(string index, Revocation revocation, CancellationToken cancellationToken)
    {
        byte[] bytes = Convert.FromHexString(index);
        foreach (byte[] key in await store.EndAllAsync(bytes, revocation.At, revocation.At + revocation.Ttl, late: true, cancellationToken))
        {
            Subscribers.Raise(Revoked, subscriber => subscriber(SessionKey.FromBytes(key)), "a resent revocation", logger);
        }

        MarkStored(bytes, revocation);
    }

    private void MarkStored(byte[] index, Revocation revocation)
    {
        string name = Convert.ToHexString(index);
        if (!store.IsShared || _revocations.Count > MaxResent)
        {
            _revocations.TryRemove(KeyValuePair.Create(name, revocation));
        }
        else
        {
            _revocations.TryUpdate(name, revocation with { IsStored = true }, revocation);
        }
    }

    private bool IsNothingPending() => _sessions.IsEmpty && _revocations.All(entry => entry.Value.IsStored);
}
