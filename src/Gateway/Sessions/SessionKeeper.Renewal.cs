using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>What changes of a session while it lives: its tokens, who it is, when the provider was last asked.</summary>
internal sealed partial class SessionKeeper
{
    /// <summary>Other replicas, and another answer to the same session, may write in between; more often than this they do not.</summary>
    private const int MostTries = 10;

    /// <summary>The earliest part of `GATEWAY_SESSION_RECHECK` after which a session may be due: a thousand that began at once do not ask at once.</summary>
    private const double EarliestRecheck = 0.8;

    /// <summary>The record of a session with its tokens; null where it is gone.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<SessionRecord?> RecordAsync(SessionSecret secret, CancellationToken cancellationToken) =>
        await store.FindAsync(secret.Key().ToBytes(), cancellationToken) is { } stored ? SessionRecord.Decrypt(stored.Record, secret) : null;

    /// <summary>Writes a change of the record, in the store and then in memory. What has ended is not written again.</summary>
    /// <param name="change">From the record as it stands to the new one; null to leave it. It may be called more than once.</param>
    /// <returns>The session as it is now; null where it is gone, or was left.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer, or others were faster ten times in a row.</exception>
    public async Task<Session?> RenewAsync(SessionSecret secret, Func<SessionRecord, SessionRecord?> change, CancellationToken cancellationToken)
    {
        byte[] key = secret.Key().ToBytes();
        for (int tries = 0; tries < MostTries; tries++)
        {
            if (memory.IsEnded(secret.Key())
                || await store.FindAsync(key, cancellationToken) is not { } stored
                || SessionRecord.Decrypt(stored.Record, secret) is not { } record
                || change(record) is not { } changed)
            {
                return null;
            }

            byte[] encrypted = changed.Encrypt(secret);
            byte[] info = infos.Unprotect(stored.Info) is { } known && (known.Username != changed.Identity.Username || known.UserId != changed.Identity.UserId)
                ? infos.Protect(known with { Username = changed.Identity.Username, UserId = changed.Identity.UserId })
                : stored.Info;
            if (await store.ReplaceAsync(key, stored.Version, encrypted, info, cancellationToken))
            {
                return memory.Renew(Made(secret, changed, stored with { Version = stored.Version + 1 }));
            }
        }

        throw new StoreUnavailableException("others kept writing the session at the same time");
    }

    /// <summary>Takes over what another replica, or a command, has made of a session.</summary>
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

        ForgetElsewhere(key);
        return null;
    }

    /// <summary>The session as it is in memory now; null where it ended or was let go.</summary>
    public Session? Current(SessionKey key) => memory.TryGet(key, out Session? session) ? session : null;

    /// <summary>Notes that Paperless has just confirmed the user of a session, where this process has the session.</summary>
    public void AccountChecked(SessionKey key)
    {
        if (Current(key) is { } session)
        {
            session.AccountChecked(time.GetUtcNow(), Interval(session));
        }
    }

    /// <summary>By the key, which is random: the same for all replicas, and another for each session.</summary>
    private TimeSpan Interval(Session session) =>
        settings.Session.Recheck * (EarliestRecheck + ((1 - EarliestRecheck) * (session.Key.B / (double)ulong.MaxValue)));

    private Session Made(SessionSecret secret, SessionRecord record, StoredSession stored)
    {
        Session session = new(secret, record, stored);
        session.RecheckAfter(record.CheckedAt + Interval(session));
        session.AccountChecked(record.CheckedAt, Interval(session));
        session.Confirm(time.GetUtcNow());
        return session;
    }
}
