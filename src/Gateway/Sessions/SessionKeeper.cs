using System.Collections.Concurrent;
using Gateway.Background;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Why a session ended.</summary>
internal enum SessionEnd
{
    SignedOut,
    SignedOutEverywhere,
    EndedByTheUser,
    EndedByTheOperator,
    EndedAtTheProvider,
    RefusedByTheProvider,
    AccountGone,
    EndedElsewhere,
    Replaced,
    Expired,

    /// <summary>No end: this replica cannot say that it goes on, another one may.</summary>
    Unconfirmed,
}

/// <summary>Begins, finds and ends sessions: memory first, the store behind it.</summary>
internal sealed partial class SessionKeeper(
    SessionMemory memory,
    ISessionStore store,
    SessionInfoProtector infos,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>How long a logout of the provider's stands against a sign-in that was under way.</summary>
    private static readonly TimeSpan EndsAreKept = TimeSpan.FromHours(24);

    /// <summary>The same for one that no signature proves: longer than a sign-in takes, the choice of a user name included, and too short to fill a store with.</summary>
    private static readonly TimeSpan UnprovenEndsAreKept = TimeSpan.FromMinutes(20);

    /// <summary>Sessions that ended and whose rows are still in the store, and whether that is noted on the disk.</summary>
    private readonly ConcurrentDictionary<SessionKey, bool> _toRemove = new();

    /// <summary>Ends of a whole `sid` or person, by the index, until the store has taken them and for a while after it.</summary>
    private readonly ConcurrentDictionary<string, Revocation> _toEnd = new();

    /// <summary>Raised after a session of this process ended, for what hangs on it (open WebSockets, Paperless's own session).</summary>
    public event Action<Session, SessionEnd>? Ended;

    /// <returns>Null where the provider ended this sign-in while it was under way.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<(SessionSecret Secret, Session Session)?> BeginAsync(NewSession made, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset expiresAt = now + settings.Session.Lifetime;
        SessionSecret secret = SessionSecret.Create();
        SessionRecord record = new(made.Identity, now, made.AssertedAt, made.Tokens);
        SessionInfo info = new(made.Identity.Username, made.Identity.UserId, made.Identity.Provider, made.Identity.Issuer, made.Identity.Subject, made.Device, made.Address, now);
        StoredSession stored = new(secret.Key().ToBytes(), made.SidIndex, made.PersonIndex, now, expiresAt, record.Encrypt(secret), infos.Protect(info));
        if (!await store.AddAsync(stored, made.AssertedAt, cancellationToken))
        {
            EndedWhileUnderWay(made.Identity.Username, made.Identity.Provider);
            return null;
        }

        Session session = Made(secret, record, stored);
        memory.Add(session);
        SignedIn(made.Identity.Username, made.Identity.Provider, made.Identity.Issuer, made.Identity.Subject, session.Key);
        return (secret, session);
    }

    /// <summary>The hot path's look-up: memory alone. False: ask <see cref="LoadAsync"/>.</summary>
    public bool TryFind(SessionKey key, out Session? session)
    {
        if (!memory.TryGet(key, out session))
        {
            return false;
        }

        DateTimeOffset now = time.GetUtcNow();
        if (session!.IsLive(now, settings.Session.Idle) && (!store.IsShared || session.IsConfirmed(now, Believed(now))))
        {
            session.Use(now);
            return true;
        }

        session = null;
        return false;
    }

    /// <summary>Whether memory still holds the session, which it does until its end while something of it is open.</summary>
    public bool IsKnown(Session session) => memory.TryGet(session.Key, out _);

    /// <summary>Ends a session for this process at once, and in the store; where the store fails, again and again until it is done.</summary>
    public async Task EndAsync(Session session, SessionEnd cause, CancellationToken cancellationToken)
    {
        Forget(session.Key, cause);
        await RemoveAsync(session.Key, cancellationToken);
        SessionEnded(session.Identity.Username, cause, session.Key);
    }

    /// <summary>Ends a session that nobody here has seen, because the store does not answer.</summary>
    /// <exception cref="StoreUnavailableException">So many wait for the store already that no more are taken.</exception>
    public async Task EndAsync(SessionKey key, SessionEnd cause, CancellationToken cancellationToken)
    {
        ThrowIfTooManyWait();
        Forget(key, cause);
        await RemoveAsync(key, cancellationToken, known: false);
        SessionEnded("somebody", cause, key);
    }

    /// <summary>Ends one session by its row, wherever it is in use.</summary>
    public async Task EndAsync(StoredSession stored, SessionEnd cause, CancellationToken cancellationToken)
    {
        SessionKey key = SessionKey.FromBytes(stored.Key);
        Forget(key, cause);
        await RemoveAsync(key, cancellationToken);
        SessionEnded(infos.Unprotect(stored.Info)?.Username ?? "somebody", cause, key);
    }

    /// <summary>Ends all sessions of a `sid` or of a person (see <see cref="SessionIndex"/>), those that are just beginning included.</summary>
    /// <param name="proven">False where anybody may have said so: what is not known here is then not held against the future for long.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer; those of this process have ended all the same.</exception>
    public async Task<int> EndAllAsync(byte[] index, SessionEnd cause, CancellationToken cancellationToken, bool proven = true)
    {
        DateTimeOffset now = time.GetUtcNow();
        HashSet<SessionKey> ended = [];
        foreach (Session session in memory.All.Where(session => session.IsOf(index)).ToArray())
        {
            // Should the store fail now, the next tidying ends it there; until then nothing loads it again.
            _toRemove.TryAdd(session.Key, false);
            Forget(session.Key, cause);
            ended.Add(session.Key);
        }

        TimeSpan kept = EndsAreKept;
        if (!proven)
        {
            bool leavesTombstone = ended.Count > 0 || _unprovenTombstones.TryTake(now);
            if (!leavesTombstone && !await store.AnyAsync(index, cancellationToken))
            {
                // Nothing to end and nothing to keep: nothing is written.
                return 0;
            }

            kept = leavesTombstone ? UnprovenEndsAreKept : TimeSpan.Zero;
        }

        Revocation end = new(now, kept);
        if (proven || ended.Count > 0)
        {
            // Until the store has taken it, it is handed on again and again.
            _toEnd[Convert.ToHexString(index)] = end;
        }

        IReadOnlyList<byte[]> gone = await TellAsync(index, end, cancellationToken);
        WasTaken(index, end);
        foreach (byte[] bytes in gone)
        {
            SessionKey key = SessionKey.FromBytes(bytes);
            Forget(key, cause);
            ended.Add(key);
        }

        foreach (SessionKey key in ended)
        {
            _toRemove.TryRemove(key, out _);
        }

        SessionsEnded(ended.Count, cause, ended);
        return ended.Count;
    }

    /// <summary>Ends those sessions of a person that have no `sid`: a logout of one session may mean any of them.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<int> EndWithoutSidAsync(byte[] personIndex, SessionEnd cause, CancellationToken cancellationToken)
    {
        StoredSession[] without = [.. (await store.OfPersonAsync(personIndex, cancellationToken)).Where(stored => stored.SidIndex is null)];
        foreach (StoredSession stored in without)
        {
            await EndAsync(stored, cause, cancellationToken);
        }

        return without.Length;
    }

    /// <summary>Notes uses in the store, ends what has expired, keeps memory within its bound.</summary>
    public async Task TidyAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        try
        {
            await TidyAsync(now, cancellationToken);
        }
        finally
        {
            // Whatever the store says, memory keeps within its bounds.
            memory.Trim(now);
        }
    }

    private async Task TidyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        TimeSpan lag = TimeSpan.FromTicks(Math.Min(settings.Session.Idle.Ticks / 20, TimeSpan.TicksPerMinute));
        await HandOnAsync(cancellationToken);
        await AskAboutOpenAsync(now, cancellationToken);
        foreach (Session expired in memory.All.Where(session => !session.IsLive(now, settings.Session.Idle)).ToArray())
        {
            if (store.IsShared && now < expired.ExpiresAt && await MayBeInUseElsewhereAsync(expired, now, lag, cancellationToken))
            {
                continue;
            }

            Forget(expired.Key, SessionEnd.Expired);
            SessionEnded(expired.Identity.Username, SessionEnd.Expired, expired.Key);
        }

        await NoteUsesAsync(lag, cancellationToken);
        await ForgetWhatIsGoneAsync(cancellationToken);

        // Twice the lag more: a row whose last use is not noted yet belongs to a session that is still alive in memory.
        await store.SweepAsync(now, settings.Session.Idle + lag + lag, cancellationToken);
    }

    public async Task NoteUsesAsync(TimeSpan lag, CancellationToken cancellationToken)
    {
        List<(Session Session, DateTimeOffset UsedAt)> uses = [];
        foreach (Session session in memory.All)
        {
            if (session.HasUnnotedUse(lag, out DateTimeOffset usedAt))
            {
                uses.Add((session, usedAt));
            }
        }

        if (uses.Count == 0)
        {
            return;
        }

        await store.TouchAsync([.. uses.Select(use => (use.Session.Key.ToBytes(), use.UsedAt))], cancellationToken);

        // Only now: a store that did not answer, or a stop in between, must not make the last note believe that it is the newest.
        foreach ((Session session, DateTimeOffset usedAt) in uses)
        {
            session.UseWasNoted(usedAt);
        }
    }

    /// <summary>A command beside this process, on the same store, ends sessions by their rows; nothing else takes the row of a live one.</summary>
    private async Task ForgetWhatIsGoneAsync(CancellationToken cancellationToken)
    {
        // Memory first, the store after it: whatever is in memory by then has been in the store.
        Session[] known = [.. memory.All];
        foreach (byte[] gone in await store.WithoutRowAsync([.. known.Select(session => session.Key.ToBytes())], cancellationToken))
        {
            SessionKey key = SessionKey.FromBytes(gone);
            if (memory.MarkEnded(key, time.GetUtcNow()) is { } session)
            {
                RaiseEnded(session, SessionEnd.EndedByTheOperator);
                SessionEnded(session.Identity.Username, SessionEnd.EndedByTheOperator, key);
            }
        }
    }

    private Session? Forget(SessionKey key, SessionEnd cause)
    {
        Session? session = memory.MarkEnded(key, time.GetUtcNow());
        if (session is not null)
        {
            RaiseEnded(session, cause);
        }

        return session;
    }

    private void RaiseEnded(Session session, SessionEnd cause) => Subscribers.Raise(Ended, heard => heard(session, cause), "the end of a session", logger);

    private async Task RemoveAsync(SessionKey key, CancellationToken cancellationToken, bool known = true)
    {
        _toRemove.TryAdd(key, false);
        try
        {
            await RemoveEndedAsync(key, cancellationToken);
        }
        catch (StoreUnavailableException error)
        {
            bool noted = NoteOnDisk(key, known);
            NotRemoved(key, error.Message, noted ? "not even a restart before that brings it back" : "only a restart before that would bring it back");
        }
    }

    private async Task RemoveEndedAsync(SessionKey key, CancellationToken cancellationToken)
    {
        await store.RemoveAsync(key.ToBytes(), cancellationToken);
        _toRemove.TryRemove(key, out _);
    }

    [LoggerMessage(EventId = 2001, EventName = "SignedIn", Level = LogLevel.Information, Message = "{User} signed in at {Provider} as {Subject} of {Issuer}; session {Session}")]
    private partial void SignedIn(string user, string provider, string issuer, string subject, SessionKey session);

    [LoggerMessage(EventId = 2002, EventName = "SessionEnded", Level = LogLevel.Information, Message = "The session of {User} ended: {Cause}; session {Session}")]
    private partial void SessionEnded(string user, SessionEnd cause, SessionKey session);

    [LoggerMessage(EventId = 2005, EventName = "SessionsEnded", Level = LogLevel.Information, Message = "{Count} sessions ended: {Cause}; sessions {Sessions}")]
    private partial void SessionsEnded(int count, SessionEnd cause, IReadOnlyCollection<SessionKey> sessions);

    [LoggerMessage(EventId = 2006, EventName = "EndedWhileUnderWay", Level = LogLevel.Warning, Message = "The sign-in of {User} at {Provider} came to nothing: the provider ended it meanwhile")]
    private partial void EndedWhileUnderWay(string user, string provider);

    [LoggerMessage(EventId = 2004, EventName = "SessionNotRemoved", Level = LogLevel.Error, Message = "Session {Session} ended, but the store keeps its row for now ({Reason}); the next try comes in a few seconds, and {Restart}")]
    private partial void NotRemoved(SessionKey session, string reason, string restart);

    [LoggerMessage(EventId = 2003, EventName = "UnreadableSession", Level = LogLevel.Warning, Message = "The stored record of session {Session} cannot be decrypted; it is treated as none")]
    private partial void UnreadableRecord(SessionKey session);
}
