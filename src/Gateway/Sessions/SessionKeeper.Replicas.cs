using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>What it takes to be one of several: asking the store again, hearing of ends elsewhere, going on while the store is away.</summary>
internal sealed partial class SessionKeeper
{
    /// <summary>With a shared store: how long a session is believed without asking. It bounds what a lost message of an end can do.</summary>
    public static readonly TimeSpan BelievedFor = TimeSpan.FromSeconds(30);

    /// <summary>With a shared store that does not answer: how long a session goes on since the store last knew it.</summary>
    public static readonly TimeSpan GoesOnFor = TimeSpan.FromMinutes(5);

    /// <summary>Whoever can go on does not wait again for a store that has just not answered.</summary>
    private static readonly TimeSpan NotAskedFor = TimeSpan.FromSeconds(2);

    private long _awayAt = long.MinValue / 2;

    /// <summary>Reads a session from the store, be it new here or not confirmed for a while; null where there is none that is live.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer, and what is known here is too old.</exception>
    public async Task<Session?> LoadAsync(SessionSecret secret, CancellationToken cancellationToken)
    {
        SessionKey key = secret.Key();
        DateTimeOffset now = time.GetUtcNow();
        if (memory.IsEnded(key))
        {
            return null;
        }

        if (memory.TryGet(key, out Session? known) && now.UtcTicks - Volatile.Read(ref _awayAt) < NotAskedFor.Ticks && CanGoOn(known!, now))
        {
            return known;
        }

        StoredSession? stored;
        try
        {
            stored = await store.FindAsync(key.ToBytes(), cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            // Not after an end that came while the store was being asked.
            Volatile.Write(ref _awayAt, now.UtcTicks);
            if (memory.TryGet(key, out Session? still) && CanGoOn(still!, now))
            {
                return still;
            }

            throw;
        }

        if (stored is null)
        {
            if (store.IsShared && known is not null)
            {
                // Ended by another replica, whose message was lost.
                ForgetElsewhere(key);
            }

            return null;
        }

        return Take(secret, stored, known, now);
    }

    private bool CanGoOn(Session session, DateTimeOffset now)
    {
        if (!store.IsShared || !session.IsLive(now, settings.Session.Idle) || !session.IsConfirmed(now, GoesOnFor))
        {
            return false;
        }

        session.Use(now);
        return true;
    }

    private Session? Take(SessionSecret secret, StoredSession stored, Session? known, DateTimeOffset now)
    {
        if (known is null || known.Version != stored.Version)
        {
            if (SessionRecord.Decrypt(stored.Record, secret) is not { } record)
            {
                UnreadableRecord(known?.Key ?? secret.Key());
                return null;
            }

            Session read = Made(secret, record, stored);
            if (!read.IsLive(now, settings.Session.Idle) && known?.IsLive(now, settings.Session.Idle) != true)
            {
                return null;
            }

            known = memory.Renew(read);
        }
        else
        {
            known = memory.Add(known);
        }

        // Another replica may have noted a later use.
        known?.Use(stored.UsedAt);
        if (known?.IsLive(now, settings.Session.Idle) != true)
        {
            return null;
        }

        known.Confirm(now);
        known.Use(now);
        return known;
    }

    /// <summary>Lets the ends that other replicas make be ends here, too.</summary>
    public void Listen() => store.EndedElsewhere += keys =>
    {
        foreach (byte[] key in keys)
        {
            ForgetElsewhere(SessionKey.FromBytes(key));
        }
    };

    private void ForgetElsewhere(SessionKey key)
    {
        if (Forget(key, SessionEnd.EndedElsewhere) is { } session)
        {
            SessionEnded(session.Identity.Username, SessionEnd.EndedElsewhere, key);
        }
    }

    /// <summary>Tells the store of ends that it did not take when they came.</summary>
    public async Task HandOnAsync(CancellationToken cancellationToken)
    {
        foreach (SessionKey ended in _toRemove.Keys)
        {
            // The mark that keeps it from being loaded again must last as long as its row does.
            memory.MarkEnded(ended, time.GetUtcNow());
        }

        try
        {
            foreach ((string index, DateTimeOffset at) in _toEnd)
            {
                foreach (byte[] key in await store.EndAllAsync(Convert.FromHexString(index), at, at + EndsAreKept, cancellationToken))
                {
                    Forget(SessionKey.FromBytes(key), SessionEnd.EndedElsewhere);
                }

                _toEnd.TryRemove(KeyValuePair.Create(index, at));
            }

            foreach (SessionKey ended in _toRemove.Keys)
            {
                await RemoveEndedAsync(ended, cancellationToken);
            }
        }
        catch (StoreUnavailableException)
        {
            // It was said when they came; the next try comes soon.
        }
    }

    /// <summary>An open WebSocket makes no requests: whether its session is still there is asked for it.</summary>
    private async Task AskAboutOpenAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        bool away = false;
        foreach (Session open in memory.All.Where(session => store.IsShared && session.OpenSockets > 0).ToArray())
        {
            if (away)
            {
                DropWhereTooLong(open, now);
                continue;
            }

            try
            {
                if (await store.FindAsync(open.Key.ToBytes(), cancellationToken) is { } stored)
                {
                    open.Use(stored.UsedAt);
                    open.Confirm(now);
                }
                else
                {
                    ForgetElsewhere(open.Key);
                }
            }
            catch (StoreUnavailableException)
            {
                away = true;
                DropWhereTooLong(open, now);
            }
        }
    }

    private void DropWhereTooLong(Session open, DateTimeOffset now)
    {
        if (!open.IsConfirmed(now, GoesOnFor))
        {
            Drop(open);
        }
    }

    /// <summary>Out of memory, and its WebSockets closed, without an end: the store knows whether it is one.</summary>
    private void Drop(Session session)
    {
        memory.Forget(session);
        Ended?.Invoke(session, SessionEnd.Unconfirmed);
    }
}
