using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Begins, finds, loads, renews and reloads sessions: memory first, the store behind it.</summary>
/// <remarks>Not called `Sessions`: in every other folder that name means the namespace.</remarks>
internal sealed partial class SessionRegistry(
    SessionMemory memory,
    ISessionStore store,
    SessionInfoProtector infos,
    Revocations revocations,
    PendingRevocations pending,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>Other replicas, and another answer for the same session, may write in between; more often than this they do not.</summary>
    private const int MaxRenewAttempts = 10;

    /// <summary>The earliest part of `GATEWAY_SESSION_RECHECK` after which a session may be due: a thousand that began at once are not due at once.</summary>
    private const double EarliestRecheck = 0.8;

    /// <summary>After a failure the store is not asked for this long on behalf of sessions that stay valid without it: their requests do not wait.</summary>
    private static readonly TimeSpan StoreRetryBackoff = TimeSpan.FromSeconds(2);

    private readonly UnreadableEntries _unreadable = new(logger);

    private long _storeFailedAt;
    private long _doubtedAt;

    /// <returns>Null where the provider ended this sign-in while it was under way.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<(SessionSecret Secret, Session Session)?> BeginAsync(NewSession made, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset expiresAt = now + settings.Session.Lifetime;
        SessionSecret secret = SessionSecret.Create();
        SessionRecord record = new(made.Identity, now, made.AssertedAt, made.Tokens);
        SessionInfo info = new(
            made.Identity.Username,
            made.Identity.UserId,
            made.Identity.Provider,
            made.Identity.Issuer,
            made.Identity.Subject,
            made.Device,
            made.Address,
            now);
        StoredSession stored = new(secret.Key().ToBytes(), made.SidIndex, made.PersonIndex, now, expiresAt, record.Encrypt(secret), infos.Protect(info));
        if (!await store.AddAsync(stored, made.AssertedAt, cancellationToken))
        {
            EndedWhileUnderWay(made.Identity.Username, made.Identity.Provider);
            return null;
        }

        Session session = Create(secret, record, stored);
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
        if (session!.IsLive(now, settings.Session.Idle) && (!store.IsShared || SessionFreshness.IsConfirmed(session, now, DoubtedAt)))
        {
            session.Use(now);
            return true;
        }

        session = null;
        return false;
    }

    /// <summary>Whether memory still holds the session. While a WebSocket of it is open, memory holds it until its end.</summary>
    public bool IsKnown(Session session) => memory.TryGet(session.Key, out _);

    /// <summary>The session as it is in memory now; null where it ended or memory let it go.</summary>
    public Session? Current(SessionKey key) => memory.TryGet(key, out Session? session) ? session : null;

    /// <summary>Reads a session from the store, be it new here or not confirmed for a while; null where there is none that is live.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer, and the last confirmation is too old.</exception>
    public async Task<Session?> LoadAsync(SessionSecret secret, CancellationToken cancellationToken)
    {
        SessionKey key = secret.Key();
        DateTimeOffset now = time.GetUtcNow();
        if (memory.IsEnded(key))
        {
            return null;
        }

        if (memory.TryGet(key, out Session? known) && now.UtcTicks - Volatile.Read(ref _storeFailedAt) < StoreRetryBackoff.Ticks
            && TryUseWithoutStore(known!, now))
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
            Volatile.Write(ref _storeFailedAt, now.UtcTicks);

            // Memory is asked again: the session may have ended while the store was asked.
            if (memory.TryGet(key, out Session? still) && TryUseWithoutStore(still!, now))
            {
                return still;
            }

            throw;
        }

        if (stored is not null)
        {
            return Take(secret, stored, known, now);
        }

        if (store.IsShared && known is not null)
        {
            // Another replica ended it, and its message was lost.
            revocations.EndHere(key, SessionEnd.EndedElsewhere);
        }

        return null;
    }

    /// <summary>Takes over the changes that another replica, or a command, has made to a session.</summary>
    /// <returns>The session as it is now; null where it is gone.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<Session?> ReloadAsync(SessionSecret secret, CancellationToken cancellationToken)
    {
        SessionKey key = secret.Key();
        if (memory.IsEnded(key))
        {
            return null;
        }

        if (await store.FindAsync(key.ToBytes(), cancellationToken) is { } stored)
        {
            return Take(secret, stored, Current(key), time.GetUtcNow());
        }

        revocations.EndHere(key, SessionEnd.EndedElsewhere);
        return null;
    }

    /// <summary>The record of a session with its tokens; null where it is gone.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<SessionRecord?> RecordAsync(SessionSecret secret, CancellationToken cancellationToken) =>
        await store.FindAsync(secret.Key().ToBytes(), cancellationToken) is { } stored ? SessionRecord.Decrypt(stored.Record, secret) : null;

    /// <summary>Writes a change of the record to the store and then to memory. A session that has ended is not written again.</summary>
    /// <param name="change">From the record as it stands to the new one; null leaves the record unchanged. It may be called more than once.</param>
    /// <returns>The session as it is now; null where it is gone or the record is unchanged.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer, or others wrote the session first ten times in a row.</exception>
    public async Task<Session?> RenewAsync(SessionSecret secret, Func<SessionRecord, SessionRecord?> change, CancellationToken cancellationToken)
    {
        byte[] key = secret.Key().ToBytes();
        for (int attempt = 0; attempt < MaxRenewAttempts; attempt++)
        {
            if (memory.IsEnded(secret.Key())
                || await store.FindAsync(key, cancellationToken) is not { } stored
                || SessionRecord.Decrypt(stored.Record, secret) is not { } record
                || change(record) is not { } changed)
            {
                return null;
            }

            if (await store.ReplaceAsync(key, stored.Version, changed.Encrypt(secret), InfoFor(changed.Identity, stored.Info), cancellationToken))
            {
                return memory.Renew(Create(secret, changed, stored with { Version = stored.Version + 1 }));
            }
        }

        throw new StoreUnavailableException("others kept writing the session at the same time");
    }

    /// <summary>Notes that Paperless has just confirmed the user of a session, where this process has the session.</summary>
    public void AccountChecked(SessionKey key)
    {
        if (Current(key) is { } session)
        {
            session.AccountChecked(time.GetUtcNow(), RecheckInterval(session));
        }
    }

    /// <summary>Messages of ends may have been lost: from now on the store confirms each session again.</summary>
    public void DoubtConfirmations() => Volatile.Write(ref _doubtedAt, time.GetUtcNow().UtcTicks);

    private DateTimeOffset DoubtedAt => new(Volatile.Read(ref _doubtedAt), TimeSpan.Zero);

    private bool TryUseWithoutStore(Session session, DateTimeOffset now)
    {
        if (!store.IsShared || !session.IsLive(now, settings.Session.Idle) || !SessionFreshness.IsInOutageGrace(session, now))
        {
            return false;
        }

        session.Use(now);
        return true;
    }

    private Session? Take(SessionSecret secret, StoredSession stored, Session? known, DateTimeOffset now)
    {
        bool isNewer = known is null || known.Version != stored.Version;
        Session? taken = isNewer ? ReadNewer(secret, stored, known, now) : memory.Add(known!);

        // Another replica may have noted a later use.
        taken?.Use(stored.UsedAt);
        if (taken?.IsLive(now, settings.Session.Idle) != true || pending.Covers(stored, taken))
        {
            return null;
        }

        taken.Confirm(now);
        taken.Use(now);
        return taken;
    }

    /// <returns>Null where the record cannot be read, and where neither the store nor memory knows a use that keeps the session alive.</returns>
    private Session? ReadNewer(SessionSecret secret, StoredSession stored, Session? known, DateTimeOffset now)
    {
        if (SessionRecord.Decrypt(stored.Record, secret) is not { } record)
        {
            if (_unreadable.IsNew("record", secret.Key().ToString()))
            {
                UnreadableRecord(secret.Key());
            }

            return null;
        }

        Session read = Create(secret, record, stored);
        bool isLive = read.IsLive(now, settings.Session.Idle) || known?.IsLive(now, settings.Session.Idle) == true;
        return isLive ? memory.Renew(read) : null;
    }

    /// <returns>What lists show, with the account of <paramref name="identity"/>; unchanged where it is the same account or cannot be read.</returns>
    private byte[] InfoFor(Identity identity, byte[] info)
    {
        if (infos.Unprotect(info) is not { } known || (known.Username == identity.Username && known.UserId == identity.UserId))
        {
            return info;
        }

        return infos.Protect(known with { Username = identity.Username, UserId = identity.UserId });
    }

    /// <summary>By the key, which is random: the same for all replicas, and another for each session.</summary>
    private TimeSpan RecheckInterval(Session session) =>
        settings.Session.Recheck * (EarliestRecheck + ((1 - EarliestRecheck) * (session.Key.B / (double)ulong.MaxValue)));

    private Session Create(SessionSecret secret, SessionRecord record, StoredSession stored)
    {
        Session session = new(secret, record, stored);
        session.RecheckAfter(record.CheckedAt + RecheckInterval(session));
        session.AccountChecked(record.CheckedAt, RecheckInterval(session));
        session.Confirm(time.GetUtcNow());
        return session;
    }

    [LoggerMessage(
        EventId = 2001,
        EventName = "SignedIn",
        Level = LogLevel.Information,
        Message = "{User} signed in at {Provider} as {Subject} of {Issuer}; session {Session}")]
    private partial void SignedIn(string user, string provider, string issuer, string subject, SessionKey session);

    [LoggerMessage(
        EventId = 2003,
        EventName = "UnreadableSession",
        Level = LogLevel.Warning,
        Message = "The stored record of session {Session} cannot be decrypted; it is treated as none")]
    private partial void UnreadableRecord(SessionKey session);

    [LoggerMessage(
        EventId = 2006,
        EventName = "EndedWhileUnderWay",
        Level = LogLevel.Warning,
        Message = "The sign-in of {User} at {Provider} came to nothing: the provider ended it meanwhile")]
    private partial void EndedWhileUnderWay(string user, string provider);
}
