using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>A session as lists show it.</summary>
internal sealed record ListedSession(StoredSession Stored, SessionInfo Info)
{
    public SessionKey Key { get; } = SessionKey.FromBytes(Stored.Key);

    /// <summary>Names the session to people and opens nothing. The log's name for it is the end of this one.</summary>
    public string Id => Key.A.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    public DateTimeOffset UsedAt => Stored.UsedAt;

    public DateTimeOffset ExpiresAt => Stored.ExpiresAt;

    public string Device => DeviceName.Of(Info.Device);
}

/// <summary>Reads who is signed in, and where: one person's sessions, or all of them.</summary>
internal sealed class SessionList(SessionMemory memory, ISessionStore store, SessionInfoProtector infos, GatewaySettings settings, TimeProvider time)
{
    /// <summary>The sessions of one person that can be used, the last used first.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<ListedSession>> OfPersonAsync(byte[] personIndex, CancellationToken cancellationToken) =>
        [.. (await store.OfPersonAsync(personIndex, cancellationToken)).Select(Listed).OfType<ListedSession>().OrderByDescending(session => session.UsedAt)];

    /// <summary>Every session that can be used, the last used first.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<ListedSession>> AllAsync(CancellationToken cancellationToken)
    {
        List<ListedSession> all = [];
        await foreach (StoredSession stored in store.AllAsync(cancellationToken))
        {
            // The record is the greater part of a row, and no list shows it.
            if (Listed(stored with { Record = [] }) is { } session)
            {
                all.Add(session);
            }
        }

        return [.. all.OrderByDescending(session => session.UsedAt)];
    }

    /// <returns>Null for what has expired and is not swept yet, and for what was protected with keys that are gone.</returns>
    private ListedSession? Listed(StoredSession stored)
    {
        // What this process knows of its use is fresher than the store's note.
        DateTimeOffset usedAt = memory.TryGet(SessionKey.FromBytes(stored.Key), out Session? session) ? session!.UsedAt : stored.UsedAt;
        DateTimeOffset now = time.GetUtcNow();
        return now < stored.ExpiresAt && now - usedAt < settings.Session.Idle && infos.Unprotect(stored.Info) is { } info
            ? new ListedSession(stored with { UsedAt = usedAt }, info)
            : null;
    }
}
