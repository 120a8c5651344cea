using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Ends that the store does not take when they come, or loses later: they are kept, and told to it until it has them.</summary>
internal sealed partial class SessionKeeper
{
    /// <summary>Logouts of sessions that nobody here has seen, which anybody may ask for while the store is away.</summary>
    private const int MostWaiting = 10_000;

    /// <summary>So many ends of a whole `sid` or person are told to the store again; of more than these each is told once.</summary>
    private const int MostToldAgain = 10_000;

    /// <summary>What anybody may ask for without proof, and what is written to the disk at once for it.</summary>
    private const int MostUnprovenEachMinute = 60;

    private static readonly TimeSpan TellAgainEvery = TimeSpan.FromSeconds(30);

    /// <summary>Nobody says when one server takes another's place behind the same connection: ends as young as this are told again in any case.</summary>
    private static readonly TimeSpan ToldAgainFor = TimeSpan.FromMinutes(5);

    private readonly PendingRevocationFile _journal = new(settings.DataDirectory);

    /// <summary>Tombstones of a `sid` that nobody here knows: front-channel logouts are unauthenticated.</summary>
    private readonly MinuteBudget _unprovenTombstones = new(MostUnprovenEachMinute);

    /// <summary>Ends of sessions that nobody here has seen, written to the disk at once while the store is away: the cookies may be made up.</summary>
    private readonly MinuteBudget _unknownEnds = new(MostUnprovenEachMinute);

    private long _toldAgainAt = long.MinValue / 2;
    private bool _tellAll;

    /// <summary>An end of a whole `sid` or person.</summary>
    /// <param name="Kept">How long it stands against sign-ins that were under way.</param>
    /// <param name="Taken">Whether the store has it.</param>
    private sealed record Revocation(DateTimeOffset At, TimeSpan Kept, bool Taken = false);

    /// <summary>The store may have a session that was to end while it was away, until it is told.</summary>
    private bool AwaitsItsEnd(StoredSession stored, Session session) =>
        !_toEnd.IsEmpty
        && ((stored.SidIndex is { } sid && _toEnd.ContainsKey(Convert.ToHexString(sid)))
            || (_toEnd.TryGetValue(Convert.ToHexString(stored.PersonIndex), out Revocation? end) && !end.Taken && session.SignedInAt <= end.At));

    private void ThrowIfTooManyWait()
    {
        if (_toRemove.Count >= MostWaiting)
        {
            throw new StoreUnavailableException("so many sign-outs wait for it that no more are taken");
        }
    }

    /// <summary>Notes the end of a session that the store has not taken, once.</summary>
    /// <param name="known">Whether the session is one: else the disk is not waited for more often than a budget allows.</param>
    /// <returns>Whether it outlives this process.</returns>
    private bool NoteOnDisk(SessionKey key, bool known)
    {
        if (_toRemove.TryGetValue(key, out bool noted) && noted)
        {
            return true;
        }

        noted = _journal.Note(key.ToBytes(), atOnce: known || _unknownEnds.TryTake(time.GetUtcNow()));
        _toRemove.TryUpdate(key, noted, comparisonValue: false);
        return noted;
    }

    private void WasTaken(byte[] index, Revocation end)
    {
        string name = Convert.ToHexString(index);
        if (!store.IsShared || _toEnd.Count > MostToldAgain)
        {
            _toEnd.TryRemove(KeyValuePair.Create(name, end));
        }
        else
        {
            _toEnd.TryUpdate(name, end with { Taken = true }, end);
        }
    }

    private bool NothingWaits() => _toRemove.IsEmpty && _toEnd.All(entry => entry.Value.Taken);

    /// <summary>What the process before this one was told while the store was away.</summary>
    private void TakeUpWhatWasLeft()
    {
        (IReadOnlyList<byte[]> keys, IReadOnlyList<(string Index, DateTimeOffset At, TimeSpan Kept)> indexes) = _journal.Read();
        foreach (SessionKey key in keys.Select(bytes => SessionKey.FromBytes(bytes)))
        {
            _toRemove[key] = true;
            memory.KeepEnded(key, time.GetUtcNow());
        }

        foreach ((string index, DateTimeOffset at, TimeSpan kept) in indexes)
        {
            _toEnd[index] = new Revocation(at, kept);
        }
    }

    /// <summary>Tells the store of an end of a whole `sid` or person; what it does not take is kept.</summary>
    private async Task<IReadOnlyList<byte[]>> TellAsync(byte[] index, Revocation end, CancellationToken cancellationToken)
    {
        try
        {
            return await store.EndAllAsync(index, end.At, end.At + end.Kept, late: false, cancellationToken);
        }
        catch (StoreUnavailableException) when (_toEnd.ContainsKey(Convert.ToHexString(index)))
        {
            _journal.Note(Convert.ToHexString(index), end.At, end.Kept);
            throw;
        }
    }

    /// <summary>Tells the store of ends that it did not take when they came, and now and then of those that it may have lost since.</summary>
    public async Task HandOnAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (SessionKey ended in _toRemove.Keys)
        {
            // The mark that keeps it from being loaded again must last as long as its row does.
            memory.KeepEnded(ended, now);
        }

        try
        {
            Exception? failure = await EachAsync(_toEnd.Where(entry => !entry.Value.Taken), entry => HandOnAsync(entry.Key, entry.Value, cancellationToken));
            failure = await EachAsync(_toRemove.Keys, ended => RemoveEndedAsync(ended, cancellationToken)) ?? failure;
            if (failure is not null)
            {
                throw new InvalidOperationException("Not every end could be told to the store.", failure);
            }

            _journal.ClearIf(NothingWaits);
            await TellAgainAsync(now, cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            // It was said when they came; the next try comes soon.
        }
    }

    /// <summary>One that fails inside the gateway does not keep the others from being told.</summary>
    /// <returns>The last failure; null where all were told.</returns>
    private static async Task<Exception?> EachAsync<T>(IEnumerable<T> all, Func<T, Task> tell)
    {
        Exception? failure = null;
        foreach (T one in all)
        {
            try
            {
                await tell(one);
            }
            catch (Exception error) when (error is not (StoreUnavailableException or OperationCanceledException))
            {
                failure = error;
            }
        }

        return failure;
    }

    private async Task HandOnAsync(string index, Revocation end, CancellationToken cancellationToken)
    {
        byte[] bytes = Convert.FromHexString(index);
        foreach (byte[] key in await store.EndAllAsync(bytes, end.At, end.At + end.Kept, late: true, cancellationToken))
        {
            Forget(SessionKey.FromBytes(key), SessionEnd.EndedElsewhere);
        }

        WasTaken(bytes, end);
    }

    /// <summary>
    /// A store that fails over to a copy of itself loses what it took last, and has sessions again that had ended: whoever knows of their ends
    /// tells it once more, whichever replica made them.
    /// </summary>
    private async Task TellAgainAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        bool all = Volatile.Read(ref _tellAll);
        if (!store.IsShared || (!all && now.UtcTicks - Volatile.Read(ref _toldAgainAt) < TellAgainEvery.Ticks))
        {
            return;
        }

        Volatile.Write(ref _tellAll, false);
        Volatile.Write(ref _toldAgainAt, now.UtcTicks);
        DateTimeOffset since = all ? DateTimeOffset.MinValue : now - ToldAgainFor;
        try
        {
            await store.RemoveAgainAsync([.. memory.EndedSince(since).Select(key => key.ToBytes())], cancellationToken);
            foreach ((string index, Revocation end) in _toEnd.Where(entry => entry.Value.Taken && entry.Value.At >= since))
            {
                await HandOnAsync(index, end, cancellationToken);
            }
        }
        catch (StoreUnavailableException) when (all)
        {
            Volatile.Write(ref _tellAll, true);
            throw;
        }

        foreach ((string index, Revocation end) in _toEnd.Where(entry => entry.Value.Taken && now - entry.Value.At > SessionMemory.EndedKept))
        {
            _toEnd.TryRemove(KeyValuePair.Create(index, end));
        }
    }
}
