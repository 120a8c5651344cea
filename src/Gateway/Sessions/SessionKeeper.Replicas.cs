using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>What it takes to be one of several: asking the store again, hearing of ends elsewhere, going on while the store is away.</summary>
internal sealed partial class SessionKeeper
{
    /// <summary>With a shared store: how long a session is believed without asking. It bounds what a lost message of an end can do.</summary>
    public static readonly TimeSpan ConfirmationTtl = TimeSpan.FromSeconds(30);

    /// <summary>With a shared store that does not answer: how long a session goes on since the store last knew it.</summary>
    public static readonly TimeSpan OutageGrace = TimeSpan.FromMinutes(5);

    /// <summary>Whoever can go on does not wait again for a store that has just not answered.</summary>
    private static readonly TimeSpan NotAskedFor = TimeSpan.FromSeconds(2);

    private readonly UnreadableEntries _unreadable = new(logger);

    private long _awayAt = long.MinValue / 2;
    private long _doubtedAt = long.MinValue / 2;

    /// <summary>Within what time the store's word must have come. What it said before the connection was lost counts no more.</summary>
    private TimeSpan Believed(DateTimeOffset now)
    {
        long sinceDoubted = now.UtcTicks - Volatile.Read(ref _doubtedAt) - 1;
        return sinceDoubted < ConfirmationTtl.Ticks ? TimeSpan.FromTicks(sinceDoubted) : ConfirmationTtl;
    }

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
        if (!store.IsShared || !session.IsLive(now, settings.Session.Idle) || !session.IsConfirmed(now, OutageGrace))
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
                if (_unreadable.IsNew("record", secret.Key().ToString()))
                {
                    UnreadableRecord(secret.Key());
                }

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
        if (known?.IsLive(now, settings.Session.Idle) != true || AwaitsItsEnd(stored, known))
        {
            return null;
        }

        known.Confirm(now);
        known.Use(now);
        return known;
    }

    /// <summary>Lets the ends that other replicas make be ends here, too, and those that an earlier process could not hand on.</summary>
    public void Listen()
    {
        TakeUpWhatWasLeft();
        store.EndedElsewhere += keys =>
        {
            foreach (byte[] key in keys)
            {
                ForgetElsewhere(SessionKey.FromBytes(key));
            }
        };
        store.MayHaveMissed += () =>
        {
            Volatile.Write(ref _doubtedAt, time.GetUtcNow().UtcTicks);
            Volatile.Write(ref _tellAll, true);
        };
    }

    private void ForgetElsewhere(SessionKey key)
    {
        if (Forget(key, SessionEnd.EndedElsewhere) is { } session)
        {
            SessionEnded(session.Identity.Username, SessionEnd.EndedElsewhere, key);
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

    /// <summary>Whether a session that nobody used here goes on by what the store knows of its use at other replicas.</summary>
    private async Task<bool> MayBeInUseElsewhereAsync(Session idle, DateTimeOffset now, TimeSpan lag, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.FindAsync(idle.Key.ToBytes(), cancellationToken) is not { } stored)
            {
                return false;
            }

            idle.Use(stored.UsedAt);

            // Twice the lag: another replica's last use may not be noted yet.
            return idle.IsLive(now, settings.Session.Idle + lag + lag);
        }
        catch (StoreUnavailableException)
        {
            Drop(idle);
            return true;
        }
    }

    private void DropWhereTooLong(Session open, DateTimeOffset now)
    {
        if (!open.IsConfirmed(now, OutageGrace))
        {
            Drop(open);
        }
    }

    /// <summary>Out of memory, and its WebSockets closed, without an end: the store knows whether it is one.</summary>
    private void Drop(Session session)
    {
        memory.Forget(session);
        RaiseEnded(session, SessionEnd.Unconfirmed);
    }
}
