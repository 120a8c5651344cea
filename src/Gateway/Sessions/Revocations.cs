using Gateway.Background;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>
/// Ends one session, all sessions of a provider's `sid` or all sessions of a person, and raises <see cref="Ended"/> for each that this process knows.
/// Memory is first; <see cref="PendingRevocations"/> keeps what the store does not take.
/// </summary>
internal sealed partial class Revocations
{
    /// <summary>Front-channel logouts are unauthenticated: at most this many a minute leave a tombstone. Sessions that match are always ended.</summary>
    private const int MaxUnauthenticatedTombstonesPerMinute = 60;

    /// <summary>How long the tombstone of an authenticated logout stops sign-ins that were under way.</summary>
    private static readonly TimeSpan TombstoneTtl = TimeSpan.FromHours(24);

    /// <summary>The same for an unauthenticated logout: longer than a sign-in with the choice of a user name takes, and too short to fill a store.</summary>
    private static readonly TimeSpan UnauthenticatedTombstoneTtl = TimeSpan.FromMinutes(20);

    private readonly SessionMemory _memory;
    private readonly ISessionStore _store;
    private readonly SessionInfoProtector _infos;
    private readonly PendingRevocations _pending;
    private readonly TimeProvider _time;
    private readonly ILogger<SecurityLog> _logger;
    private readonly MinuteBudget _unauthenticatedTombstones = new(MaxUnauthenticatedTombstonesPerMinute);

    public Revocations(
        SessionMemory memory,
        ISessionStore store,
        SessionInfoProtector infos,
        PendingRevocations pending,
        TimeProvider time,
        ILogger<SecurityLog> logger)
    {
        _memory = memory;
        _store = store;
        _infos = infos;
        _pending = pending;
        _time = time;
        _logger = logger;
        _pending.Revoked += key => Forget(key, SessionEnd.EndedElsewhere);
    }

    /// <summary>A session of this process ended: its open WebSockets and Paperless's own session end with it.</summary>
    public event Action<Session, SessionEnd>? Ended;

    /// <summary>This process can no longer tell whether a session is valid. The session has not ended: another replica may still use it.</summary>
    public event Action<Session>? Dropped;

    /// <summary>Ends a session for this process at once, and in the store; where the store fails, it is tried again until it is done.</summary>
    public async Task EndAsync(Session session, SessionEnd cause, CancellationToken cancellationToken)
    {
        Forget(session.Key, cause);
        await RemoveAsync(session.Key, cancellationToken);
        SessionEnded(session.Identity.Username, cause, session.Key);
    }

    /// <summary>Ends a session that this process could not look up, because the store does not answer.</summary>
    /// <exception cref="StoreUnavailableException">So many sign-outs wait for the store already that no more are taken.</exception>
    public async Task EndAsync(SessionKey key, SessionEnd cause, CancellationToken cancellationToken)
    {
        _pending.ThrowIfFull();
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
        SessionEnded(_infos.Unprotect(stored.Info)?.Username ?? "somebody", cause, key);
    }

    /// <summary>Ends all sessions of a `sid` or of a person (see <see cref="SessionIndex"/>), those that are just beginning included.</summary>
    /// <param name="proven">False for an unauthenticated logout: where it ends no session of this process, a budget bounds the tombstones.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer; those of this process have ended all the same.</exception>
    public async Task<int> EndAllAsync(byte[] index, SessionEnd cause, CancellationToken cancellationToken, bool proven = true)
    {
        DateTimeOffset now = _time.GetUtcNow();
        HashSet<SessionKey> ended = [];
        foreach (Session session in _memory.All.Where(session => session.IsOf(index)).ToArray())
        {
            // Should the store fail now, a later flush ends it there; until then nothing loads it again.
            _pending.Add(session.Key);
            Forget(session.Key, cause);
            ended.Add(session.Key);
        }

        TimeSpan ttl = TombstoneTtl;
        if (!proven)
        {
            bool leavesTombstone = ended.Count > 0 || _unauthenticatedTombstones.TryTake(now);
            if (!leavesTombstone && !await _store.AnyAsync(index, cancellationToken))
            {
                // Nothing to end and nothing to keep: nothing is written.
                return 0;
            }

            ttl = leavesTombstone ? UnauthenticatedTombstoneTtl : TimeSpan.Zero;
        }

        Revocation revocation = new(now, ttl);
        if (proven || ended.Count > 0)
        {
            _pending.Add(index, revocation);
        }

        foreach (byte[] bytes in await _pending.SendAsync(index, revocation, cancellationToken))
        {
            SessionKey key = SessionKey.FromBytes(bytes);
            Forget(key, cause);
            ended.Add(key);
        }

        foreach (SessionKey key in ended)
        {
            _pending.Remove(key);
        }

        SessionsEnded(ended.Count, cause, ended);
        return ended.Count;
    }

    /// <summary>Ends those sessions of a person that have no `sid`: a logout of one session may mean any of them.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<int> EndWithoutSidAsync(byte[] personIndex, SessionEnd cause, CancellationToken cancellationToken)
    {
        StoredSession[] without = [.. (await _store.OfPersonAsync(personIndex, cancellationToken)).Where(stored => stored.SidIndex is null)];
        foreach (StoredSession stored in without)
        {
            await EndAsync(stored, cause, cancellationToken);
        }

        return without.Length;
    }

    /// <summary>Ends a session in this process that the store has ended already or expires by itself.</summary>
    public void EndHere(SessionKey key, SessionEnd cause)
    {
        if (Forget(key, cause) is { } session)
        {
            SessionEnded(session.Identity.Username, cause, key);
        }
    }

    /// <summary>Takes a session out of memory and closes its WebSockets without ending it: the store knows whether it is still valid.</summary>
    public void Drop(Session session)
    {
        _memory.Forget(session);
        Subscribers.Raise(Dropped, subscriber => subscriber(session), "a dropped session", _logger);
    }

    private Session? Forget(SessionKey key, SessionEnd cause)
    {
        Session? session = _memory.MarkEnded(key, _time.GetUtcNow());
        if (session is not null)
        {
            Subscribers.Raise(Ended, subscriber => subscriber(session, cause), "the end of a session", _logger);
        }

        return session;
    }

    private async Task RemoveAsync(SessionKey key, CancellationToken cancellationToken, bool known = true)
    {
        _pending.Add(key);
        try
        {
            await _pending.SendAsync(key, cancellationToken);
        }
        catch (StoreUnavailableException error)
        {
            bool noted = _pending.NoteOnDisk(key, known);
            NotRemoved(key, error.Message, noted ? "not even a restart before that brings it back" : "only a restart before that would bring it back");
        }
    }

    [LoggerMessage(
        EventId = 2002,
        EventName = "SessionEnded",
        Level = LogLevel.Information,
        Message = "The session of {User} ended: {Cause}; session {Session}")]
    private partial void SessionEnded(string user, SessionEnd cause, SessionKey session);

    [LoggerMessage(EventId = 2005, EventName = "SessionsEnded", Level = LogLevel.Information, Message = "{Count} sessions ended: {Cause}; sessions {Sessions}")]
    private partial void SessionsEnded(int count, SessionEnd cause, IReadOnlyCollection<SessionKey> sessions);

    [LoggerMessage(
        EventId = 2004,
        EventName = "SessionNotRemoved",
        Level = LogLevel.Error,
        Message = "Session {Session} ended, but the store keeps its row for now ({Reason}); the next try comes in a few seconds, and {Restart}")]
    private partial void NotRemoved(SessionKey session, string reason, string restart);
}
