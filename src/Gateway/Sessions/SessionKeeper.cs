using System.Collections.Concurrent;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.Data.Sqlite;

namespace Gateway.Sessions;

/// <summary>Why a session ended.</summary>
internal enum SessionEnd
{
    SignedOut,
    Replaced,
    Expired,
}

/// <summary>Begins, finds and ends sessions: memory first, the store behind it.</summary>
internal sealed partial class SessionKeeper(
    SessionMemory memory,
    StoredSessions store,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>Sessions that ended and whose rows are still in the store.</summary>
    private readonly ConcurrentDictionary<SessionKey, byte> _toRemove = new();

    /// <summary>Raised after a session ended, for what hangs on it (open WebSockets).</summary>
    public event Action<SessionKey, SessionEnd>? Ended;

    public async Task<(SessionSecret Secret, Session Session)> BeginAsync(Identity identity, string idToken, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset expiresAt = now + settings.Session.Lifetime;
        SessionSecret secret = SessionSecret.Create();
        SessionRecord record = new(identity, now, idToken);
        await store.AddAsync(new StoredSession(secret.Key().ToBytes(), now, expiresAt, record.Encrypt(secret)), cancellationToken);
        Session session = new(secret, record, now, expiresAt);
        memory.Add(session);
        SignedIn(identity.Username, identity.Provider, identity.Issuer, identity.Subject, session.Key);
        return (secret, session);
    }

    /// <summary>The hot path's look-up: memory alone. False: ask <see cref="Load"/>.</summary>
    public bool TryFind(SessionKey key, out Session? session)
    {
        if (!memory.TryGet(key, out session))
        {
            return false;
        }

        DateTimeOffset now = time.GetUtcNow();
        if (session!.IsLive(now, settings.Session.Idle))
        {
            session.Use(now);
            return true;
        }

        session = null;
        return false;
    }

    /// <summary>Whether memory still holds the session, which it does until its end while something of it is open.</summary>
    public bool IsKnown(Session session) => memory.TryGet(session.Key, out _);

    /// <summary>Reads a session from the store; null where there is none that is live.</summary>
    public Session? Load(SessionSecret secret)
    {
        SessionKey key = secret.Key();
        if (store.Find(key.ToBytes()) is not { } stored)
        {
            return null;
        }

        if (SessionRecord.Decrypt(stored.Record, secret) is not { } record)
        {
            UnreadableRecord(key);
            return null;
        }

        if (record.Identity.UserId == 0)
        {
            // From a version that did not ask Paperless who it is: its user need not exist.
            return null;
        }

        DateTimeOffset now = time.GetUtcNow();
        Session session = new(secret, record, stored.UsedAt, stored.ExpiresAt);
        if (!session.IsLive(now, settings.Session.Idle) || memory.Add(session) is not { } kept || !kept.IsLive(now, settings.Session.Idle))
        {
            return null;
        }

        kept.Use(now);
        return kept;
    }

    /// <summary>The ID token of a session, for the hint at logout.</summary>
    public string? IdToken(SessionSecret secret) =>
        store.Find(secret.Key().ToBytes()) is { } stored ? SessionRecord.Decrypt(stored.Record, secret)?.IdToken : null;

    /// <summary>Ends a session for this process at once, and in the store; where the store fails, again and again until it is done.</summary>
    public async Task EndAsync(Session session, SessionEnd cause, CancellationToken cancellationToken)
    {
        memory.MarkEnded(session.Key, time.GetUtcNow());
        Ended?.Invoke(session.Key, cause);
        _toRemove[session.Key] = default;
        try
        {
            await RemoveEndedAsync(session.Key, cancellationToken);
        }
        catch (SqliteException error)
        {
            NotRemoved(session.Key, error.Message);
        }

        SessionEnded(session.Identity.Username, cause, session.Key);
    }

    /// <summary>Notes uses in the store, ends what has expired, keeps memory within its bound.</summary>
    public async Task TidyAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (SessionKey ended in _toRemove.Keys)
        {
            // The mark that keeps it from being loaded again must last as long as its row does.
            memory.MarkEnded(ended, now);
            await RemoveEndedAsync(ended, cancellationToken);
        }

        foreach (Session expired in memory.All.Where(session => !session.IsLive(now, settings.Session.Idle)).ToArray())
        {
            memory.MarkEnded(expired.Key, now);
            Ended?.Invoke(expired.Key, SessionEnd.Expired);
            SessionEnded(expired.Identity.Username, SessionEnd.Expired, expired.Key);
        }

        TimeSpan lag = TimeSpan.FromTicks(Math.Min(settings.Session.Idle.Ticks / 20, TimeSpan.TicksPerMinute));
        await NoteUsesAsync(lag, cancellationToken);

        // Twice the lag more: a row whose last use is not noted yet belongs to a session that is still alive in memory.
        await store.SweepAsync(now, settings.Session.Idle + lag + lag, cancellationToken);
        memory.Trim(now);
    }

    public async Task NoteUsesAsync(TimeSpan lag, CancellationToken cancellationToken)
    {
        List<(byte[] Key, DateTimeOffset UsedAt)> uses = [];
        foreach (Session session in memory.All)
        {
            if (session.TakeUnnotedUse(lag, out DateTimeOffset usedAt))
            {
                uses.Add((session.Key.ToBytes(), usedAt));
            }
        }

        if (uses.Count > 0)
        {
            await store.TouchAsync(uses, cancellationToken);
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

    [LoggerMessage(EventId = 2004, EventName = "SessionNotRemoved", Level = LogLevel.Error, Message = "Session {Session} ended, but the store keeps its row for now ({Reason}); the next try is in half a minute, and only a restart before that would bring it back")]
    private partial void NotRemoved(SessionKey session, string reason);

    [LoggerMessage(EventId = 2003, EventName = "UnreadableSession", Level = LogLevel.Warning, Message = "The stored record of session {Session} cannot be decrypted; it is treated as none")]
    private partial void UnreadableRecord(SessionKey session);
}
