using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Begins, finds, loads, renews and reloads sessions, in memory first and then in the store.</summary>
/// <remarks>Not named `Sessions`, because that is the name of the namespace.</remarks>
internal sealed partial class SessionRegistry(
    SessionMemory memory,
    ISessionStore store,
    SessionInfoProtector infos,
    Revocations revocations,
    PendingRevocations pending,
    SessionSettings settings,
    TimeProvider time,
    ILogger<SecurityLog> logger,
    SessionMetrics? metrics = null)
{
    /// <summary>Another gateway or request may write the same session in between. After this many conflicts the change fails.</summary>
    private const int MaxRenewAttempts = 10;

    /// <summary>Sessions are due after 80 to 100 % of `GATEWAY_SESSION_RECHECK`, so that a thousand that began together are not due together.</summary>
    private const double EarliestRecheck = 0.8;

    /// <summary>After a failure, sessions that stay valid without the store do not ask it again for this long. Their requests do not wait.</summary>
    private static readonly TimeSpan StoreRetryBackoff = TimeSpan.FromSeconds(2);

    /// <summary>Longer than any device is used.</summary>
    public static readonly TimeSpan NoLifetime = TimeSpan.FromDays(3650);

    private readonly UnreadableEntries _unreadable = new(logger);

    private long _storeFailedAt;
    private long _doubtedAt;

    /// <returns>Null if a logout at the provider ended this sign-in before it was finished.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<(SessionSecret Secret, Session Session)?> BeginAsync(NewSession made, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset expiresAt = Earlier(now + LifetimeOf(made), made.ExpiresAt);
        SessionSecret secret = SessionSecret.Create();
        SessionRecord record = new(made.Identity, now, made.AssertedAt, made.Tokens, DevicePassword: made.DevicePassword);
        SessionInfo info = new(
            made.Identity.Username,
            made.Identity.UserId,
            made.Identity.Provider,
            made.Identity.Issuer,
            made.Identity.Subject,
            made.Device,
            made.Address,
            now,
            made.DevicePassword);
        StoredSession stored = new(secret.Key().ToBytes(), made.SidIndex, made.PersonIndex, now, expiresAt, record.Encrypt(secret), infos.Protect(info))
        {
            HasIdleTimeout = made.DevicePassword is null,
        };
        if (!await store.AddAsync(stored, made.AssertedAt, cancellationToken))
        {
            if (made.DevicePassword is null)
            {
                metrics?.SignIn(made.Identity.Provider, SignInOutcome.LoggedOut);
            }

            EndedWhileUnderWay(made.Identity.Username, made.Identity.Provider);
            return null;
        }

        Session session = Create(secret, record, stored);
        memory.Add(session);
        metrics?.Begun(made);
        if (made.DevicePassword is { } device)
        {
            DevicePasswordMade(made.Identity.Username, device.Name, device.Scope, expiresAt, session.Key);
        }
        else
        {
            metrics?.SignIn(made.Identity.Provider, SignInOutcome.SignedIn);
            SignedIn(made.Identity.Username, made.Identity.Provider, made.Identity.Issuer, made.Identity.Subject, session.Key);
        }

        return (secret, session);
    }

    /// <summary>A device password that the provider can be asked about has no end of its own.</summary>
    private TimeSpan LifetimeOf(NewSession made)
    {
        if (made.DevicePassword is null)
        {
            return settings.Lifetime;
        }

        return made.Tokens.RefreshToken is null ? settings.Apps.Lifetime : NoLifetime;
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;

    /// <summary>Looks in memory only (hot path). If it returns false, call <see cref="LoadAsync"/>.</summary>
    public bool TryFind(SessionKey key, out Session? session)
    {
        if (!memory.TryGet(key, out session))
        {
            return false;
        }

        DateTimeOffset now = time.GetUtcNow();
        if (session!.IsLive(now, settings.Idle) && (!store.IsShared || SessionFreshness.IsConfirmed(session, now, DoubtedAt)))
        {
            session.Use(now);
            return true;
        }

        session = null;
        return false;
    }

    /// <summary>Whether memory still has the session. A session with an open WebSocket stays in memory until it ends.</summary>
    public bool IsKnown(Session session) => memory.TryGet(session.Key, out _);

    /// <summary>The latest version of the session in memory; null if memory does not have it.</summary>
    public Session? Current(SessionKey key) => memory.TryGet(key, out Session? session) ? session : null;

    /// <summary>Reads a session from the store that is not in memory or whose confirmation is too old.</summary>
    /// <returns>Null if there is no valid session.</returns>
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

            // Read from memory again: the session may have ended in the meantime.
            if (memory.TryGet(key, out Session? current) && TryUseWithoutStore(current!, now))
            {
                return current;
            }

            throw;
        }

        if (stored is not null)
        {
            return Adopt(secret, stored, known, now);
        }

        if (store.IsShared && known is not null)
        {
            // Another gateway ended the session, and its message was lost.
            revocations.EndHere(key, SessionEnd.EndedElsewhere);
        }

        return null;
    }

    /// <summary>Reads a session from the store again, because another gateway or a command has changed it.</summary>
    /// <returns>The changed session; null if the session has ended.</returns>
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
            return Adopt(secret, stored, Current(key), time.GetUtcNow());
        }

        revocations.EndHere(key, SessionEnd.EndedElsewhere);
        return null;
    }

    /// <summary>The record of a session with its tokens; null if the session has ended.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<SessionRecord?> ReadRecordAsync(SessionSecret secret, CancellationToken cancellationToken) =>
        await store.FindAsync(secret.Key().ToBytes(), cancellationToken) is { } stored ? SessionRecord.Decrypt(stored.Record, secret) : null;

    /// <summary>Writes a change of the record to the store and then to memory. An ended session is not written.</summary>
    /// <param name="change">Makes the new record from the stored record; null leaves it unchanged. It may be called more than once.</param>
    /// <returns>The changed session; null if the session has ended or the record is unchanged.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer, or another writer was faster ten times in a row.</exception>
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

        throw new StoreUnavailableException("other requests kept writing the session at the same time");
    }

    /// <summary>Remembers that Paperless has just confirmed the user of a session, if the session is in memory.</summary>
    public void MarkAccountChecked(SessionKey key)
    {
        if (Current(key) is { } session)
        {
            session.MarkAccountChecked(time.GetUtcNow(), RecheckInterval(session));
        }
    }

    /// <summary>Makes the store confirm each session again, because messages about ended sessions may have been lost.</summary>
    public void DoubtConfirmations() => Volatile.Write(ref _doubtedAt, time.GetUtcNow().UtcTicks);

    private DateTimeOffset DoubtedAt => new(Volatile.Read(ref _doubtedAt), TimeSpan.Zero);

    private bool TryUseWithoutStore(Session session, DateTimeOffset now)
    {
        if (!store.IsShared || !session.IsLive(now, settings.Idle) || !SessionFreshness.IsInOutageGrace(session, now))
        {
            return false;
        }

        session.Use(now);
        return true;
    }

    /// <summary>Puts a session that the store has into memory and uses it.</summary>
    private Session? Adopt(SessionSecret secret, StoredSession stored, Session? known, DateTimeOffset now)
    {
        bool isNewer = known is null || known.Version != stored.Version;
        Session? adopted = isNewer ? ReadNewer(secret, stored, known, now) : memory.Add(known!);

        // Another gateway may have stored a later use.
        adopted?.Use(stored.UsedAt);
        if (adopted?.IsLive(now, settings.Idle) != true || pending.Covers(stored, adopted))
        {
            return null;
        }

        adopted.Confirm(now);
        adopted.Use(now);
        return adopted;
    }

    /// <returns>Null if the record cannot be decrypted or the session has expired.</returns>
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
        bool isLive = read.IsLive(now, settings.Idle) || known?.IsLive(now, settings.Idle) == true;
        return isLive ? memory.Renew(read) : null;
    }

    /// <returns>The info for lists with the account of <paramref name="identity"/>; unchanged if it cannot be decrypted.</returns>
    private byte[] InfoFor(Identity identity, byte[] info)
    {
        if (infos.Unprotect(info) is not { } known || (known.Username == identity.Username && known.UserId == identity.UserId))
        {
            return info;
        }

        return infos.Protect(known with { Username = identity.Username, UserId = identity.UserId });
    }

    /// <summary>Derived from the random key, so that it differs between sessions and is the same at all gateways.</summary>
    private TimeSpan RecheckInterval(Session session) =>
        (session.DevicePassword is null ? settings.Recheck : settings.Apps.Recheck)
            * (EarliestRecheck + ((1 - EarliestRecheck) * (session.Key.B / (double)ulong.MaxValue)));

    private Session Create(SessionSecret secret, SessionRecord record, StoredSession stored)
    {
        Session session = new(secret, record, stored)
        {
            HeldBackFrom = record.DevicePassword is null ? record.UnconfirmedSince + settings.Recheck ?? DateTimeOffset.MaxValue : DateTimeOffset.MaxValue,
        };
        session.ScheduleRecheck(record.RefusedAt ?? (record.CheckedAt + RecheckInterval(session)));
        session.MarkAccountChecked(record.CheckedAt, RecheckInterval(session));
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
        EventId = 2010,
        EventName = "DevicePasswordMade",
        Level = LogLevel.Information,
        Message = "{User} made the device password \"{Name}\" ({Scope}, until {ExpiresAt}); session {Session}")]
    private partial void DevicePasswordMade(string user, string name, DeviceScope scope, DateTimeOffset expiresAt, SessionKey session);

    [LoggerMessage(
        EventId = 2003,
        EventName = "UnreadableSession",
        Level = LogLevel.Warning,
        Message = "The stored record of session {Session} cannot be decrypted. The session is ignored, and the person must sign in again.")]
    private partial void UnreadableRecord(SessionKey session);

    [LoggerMessage(
        EventId = 2006,
        EventName = "EndedWhileUnderWay",
        Level = LogLevel.Warning,
        Message = "The sign-in of {User} at {Provider} failed because a logout at the provider arrived before it was finished. The person must sign in "
            + "again.")]
    private partial void EndedWhileUnderWay(string user, string provider);
}
