using Gateway.Background;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>
/// Ends one session, all sessions of a provider's `sid` or all sessions of a person. Raises <see cref="Ended"/> for each session in memory.
/// Sessions end in memory first, then in the store; <see cref="PendingRevocations"/> retries when the store does not answer.
/// </summary>
internal sealed partial class Revocations
{
    /// <summary>Front-channel logouts are unauthenticated: at most this many a minute leave a tombstone. Sessions that match are always ended.</summary>
    private const int MaxUnauthenticatedTombstonesPerMinute = 60;

    /// <summary>How long the tombstone of an authenticated logout stops sign-ins that had begun before the logout.</summary>
    private static readonly TimeSpan TombstoneTtl = TimeSpan.FromHours(24);

    /// <summary>The same for an unauthenticated logout: longer than a sign-in takes that asks for a user name, and too short to fill the store.</summary>
    private static readonly TimeSpan UnauthenticatedTombstoneTtl = TimeSpan.FromMinutes(20);

    private readonly SessionMemory _memory;
    private readonly ISessionStore _store;
    private readonly SessionInfoProtector _infos;
    private readonly PendingRevocations _pending;
    private readonly TimeProvider _time;
    private readonly ILogger<SecurityLog> _logger;
    private readonly SessionMetrics? _metrics;
    private readonly MinuteBudget _unauthenticatedTombstones = new(MaxUnauthenticatedTombstonesPerMinute);

    public Revocations(
        SessionMemory memory,
        ISessionStore store,
        SessionInfoProtector infos,
        PendingRevocations pending,
        TimeProvider time,
        ILogger<SecurityLog> logger,
        SessionMetrics? metrics = null)
    {
        _memory = memory;
        _store = store;
        _infos = infos;
        _pending = pending;
        _time = time;
        _logger = logger;
        _metrics = metrics;
        _pending.Revoked += key =>
        {
            if (Forget(key, SessionEnd.EndedElsewhere) is not null)
            {
                _metrics?.Ended(SessionEnd.EndedElsewhere);
            }
        };
    }

    /// <summary>A session in memory ended. Subscribers close its WebSockets and end the session in Paperless.</summary>
    public event Action<Session, SessionEnd>? Ended;

    /// <summary>This process cannot tell any longer whether a session is valid. The session has not ended: another gateway may still use it.</summary>
    public event Action<Session>? Dropped;

    /// <summary>Ends a session in memory and in the store. If the store does not answer, the removal is retried until it succeeds.</summary>
    public async Task EndAsync(Session session, SessionEnd cause, CancellationToken cancellationToken)
    {
        Forget(session.Key, cause);
        await RemoveAsync(session.Key, cancellationToken);
        LogEnd(session.Identity.Username, cause, session.Key);
    }

    /// <summary>Ends a session that this process could not look up, because the store does not answer.</summary>
    /// <exception cref="StoreUnavailableException">Too many sign-outs wait for the store already.</exception>
    public async Task EndAsync(SessionKey key, SessionEnd cause, CancellationToken cancellationToken)
    {
        _pending.ThrowIfFull();
        Forget(key, cause);
        await RemoveAsync(key, cancellationToken, known: false);
        LogEnd("somebody", cause, key);
    }

    /// <summary>Ends one session by its row in the store, for all gateways.</summary>
    public async Task EndAsync(StoredSession stored, SessionEnd cause, CancellationToken cancellationToken)
    {
        SessionKey key = SessionKey.FromBytes(stored.Key);
        Forget(key, cause);
        await RemoveAsync(key, cancellationToken);
        LogEnd(_infos.Unprotect(stored.Info)?.Username ?? "somebody", cause, key);
    }

    /// <summary>Ends all sessions of a `sid` or of a person (see <see cref="SessionIndex"/>), and prevents those whose sign-in has already begun.</summary>
    /// <param name="authenticated">False for an unauthenticated logout. If it ends no session in memory, a rate limit applies to tombstones.</param>
    /// <returns>The number of ended sessions.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer. The sessions in memory have ended.</exception>
    public async Task<int> EndAllAsync(byte[] index, SessionEnd cause, CancellationToken cancellationToken, bool authenticated = true)
    {
        DateTimeOffset now = _time.GetUtcNow();
        HashSet<SessionKey> ended = [];
        foreach (Session session in _memory.All.Where(session => session.HasIndex(index)).ToArray())
        {
            // If the store fails now, a later flush removes the session there. Until then no request can load it again.
            _pending.Add(session.Key);
            Forget(session.Key, cause);
            ended.Add(session.Key);
        }

        TimeSpan ttl = TombstoneTtl;
        if (!authenticated)
        {
            bool leavesTombstone = ended.Count > 0 || _unauthenticatedTombstones.TryTake(now);
            if (!leavesTombstone && !await _store.AnyAsync(index, cancellationToken))
            {
                // No session matches and no tombstone is due, so nothing is written.
                return 0;
            }

            ttl = leavesTombstone ? UnauthenticatedTombstoneTtl : TimeSpan.Zero;
        }

        Revocation revocation = new(now, ttl);
        if (authenticated || ended.Count > 0)
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

        _metrics?.Ended(cause, ended.Count);
        SessionsEnded(ended.Count, cause, ended);
        return ended.Count;
    }

    /// <summary>Ends every device password of somebody who has no access any more. If the store does not answer, the end is sent until it does.</summary>
    public async Task EndDevicePasswordsAsync(PersonKey person, SessionEnd cause)
    {
        try
        {
            await EndAllAsync(SessionIndex.ForDevicePasswords(person), cause, CancellationToken.None);
        }
        catch (StoreUnavailableException error)
        {
            DevicePasswordsNotRemoved(person.Subject, person.Provider, error.Message);
        }
    }

    /// <summary>Ends those sessions of a person that have no `sid`: a logout that names a `sid` may mean any of them.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<int> EndWithoutSidAsync(byte[] personIndex, SessionEnd cause, CancellationToken cancellationToken)
    {
        StoredSession[] without = [.. (await _store.FindByPersonAsync(personIndex, cancellationToken)).Where(stored => stored.SidIndex is null)];
        foreach (StoredSession stored in without)
        {
            await EndAsync(stored, cause, cancellationToken);
        }

        return without.Length;
    }

    /// <summary>Ends a session in memory only: its row is gone already or expires without help.</summary>
    public void EndHere(SessionKey key, SessionEnd cause)
    {
        if (Forget(key, cause) is { } session)
        {
            LogEnd(session.Identity.Username, cause, key);
        }
    }

    /// <summary>Removes a session from memory and closes its WebSockets, but does not end it: the store knows whether it is still valid.</summary>
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

    private void LogEnd(string user, SessionEnd cause, SessionKey key)
    {
        _metrics?.Ended(cause);
        SessionEnded(user, cause, key);
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
            NotRemoved(key, error.Message, noted ? "the session stays ended after a restart, too" : "a restart before that would make the session valid again");
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
        EventId = 2011,
        EventName = "DevicePasswordsNotRemoved",
        Level = LogLevel.Error,
        Message = "The device passwords of {Subject} at {Provider} ended here, but the store still has them ({Reason}). Retrying every few seconds.")]
    private partial void DevicePasswordsNotRemoved(string subject, string provider, string reason);

    [LoggerMessage(
        EventId = 2004,
        EventName = "SessionNotRemoved",
        Level = LogLevel.Error,
        Message = "Session {Session} ended, but the store still has it ({Reason}). Retrying every few seconds; {Restart}.")]
    private partial void NotRemoved(SessionKey session, string reason, string restart);
}
