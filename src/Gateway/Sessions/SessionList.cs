using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>A row of a list of sessions: the stored row and its decrypted <see cref="SessionInfo"/>.</summary>
internal sealed record ListedSession(StoredSession Stored, SessionInfo Info)
{
    public SessionKey Key { get; } = SessionKey.FromBytes(Stored.Key);

    /// <inheritdoc cref="SessionKey.Id"/>
    public string Id => Key.Id;

    public DateTimeOffset UsedAt => Stored.UsedAt;

    public DateTimeOffset ExpiresAt => Stored.ExpiresAt;

    public string Device => DeviceName.From(Info.Device);

    /// <summary>When a device password was last used; null if it was not used yet.</summary>
    public DateTimeOffset? DeviceUsedAt => UsedAt > Info.SignedInAt ? UsedAt : null;

    /// <summary>When a device password expires; null if only its owner ends it.</summary>
    public DateTimeOffset? DeviceExpiresAt => ExpiresAt - Info.SignedInAt < SessionRegistry.NoLifetime - TimeSpan.FromDays(1) ? ExpiresAt : null;
}

/// <summary>A part of the list of everybody's sessions.</summary>
/// <param name="Total">Of all parts.</param>
internal sealed record SessionListPage(IReadOnlyList<ListedSession> Rows, int Total);

/// <summary>Lists the sessions of one person or of everyone.</summary>
internal sealed class SessionList(SessionMemory memory, ISessionStore store, SessionInfoProtector infos, SessionSettings settings, TimeProvider time)
{
    /// <summary>The valid sessions of one person, most recently used first.</summary>
    /// <param name="personIndex">Of the person's browsers, or of the person's device passwords: see <see cref="SessionIndex"/>.</param>
    /// <param name="cancellationToken">Cancels the look-up.</param>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<ListedSession>> FindByPersonAsync(byte[] personIndex, CancellationToken cancellationToken) =>
    [
        .. (await store.FindByPersonAsync(personIndex, cancellationToken)).Select(ToListed).OfType<ListedSession>()
            .OrderByDescending(session => session.UsedAt),
    ];

    /// <summary>All valid sessions and device passwords, most recently used first.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<ListedSession>> ListAllAsync(CancellationToken cancellationToken)
    {
        List<ListedSession> all = [];
        await foreach (StoredSession stored in store.ListAllAsync(cancellationToken))
        {
            // The record is the largest part of a row, and no list shows it.
            if (ToListed(stored with { Record = [] }) is { } session)
            {
                all.Add(session);
            }
        }

        return [.. all.OrderByDescending(session => session.UsedAt)];
    }

    /// <summary>One page of all valid sessions and device passwords, most recently used first. The others are not held in memory.</summary>
    /// <param name="filter">Selects the sessions.</param>
    /// <param name="page">From 1.</param>
    /// <param name="size">The rows of a page.</param>
    /// <param name="cancellationToken">Cancels the look-up.</param>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<SessionListPage> FindPageAsync(Func<ListedSession, bool> filter, int page, int size, CancellationToken cancellationToken)
    {
        PriorityQueue<ListedSession, (DateTimeOffset, string)> newest = new();
        int total = 0;
        await foreach (StoredSession stored in store.ListAllAsync(cancellationToken))
        {
            if (ToListed(stored with { Record = [] }) is not { } session || !filter(session))
            {
                continue;
            }

            total++;
            newest.Enqueue(session, (session.UsedAt, session.Id));
            if (newest.Count > page * size)
            {
                newest.Dequeue();
            }
        }

        Stack<ListedSession> rows = new(newest.Count);
        while (newest.TryDequeue(out ListedSession? oldest, out _))
        {
            rows.Push(oldest);
        }

        return new SessionListPage([.. rows.Skip((page - 1) * size)], total);
    }

    /// <returns>The valid session or device password of that <see cref="ListedSession.Id"/>; null if there is none.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<ListedSession?> FindByIdAsync(string id, CancellationToken cancellationToken)
    {
        await foreach (StoredSession stored in store.ListAllAsync(cancellationToken))
        {
            if (SessionKey.FromBytes(stored.Key).Id == id)
            {
                return ToListed(stored with { Record = [] });
            }
        }

        return null;
    }

    /// <summary>All of the people who are signed in as that user.</summary>
    public static ListedSession[] FindAllOfUser(IEnumerable<ListedSession> all, string user)
    {
        ListedSession[] rows = [.. all];
        HashSet<string> persons = [.. rows.Where(session => session.Info.Username == user).Select(PersonIndex)];
        return [.. rows.Where(session => persons.Contains(PersonIndex(session)))];

        static string PersonIndex(ListedSession session) => Convert.ToHexStringLower(session.Stored.PersonIndex);
    }

    /// <returns>Null if the session has expired and is not removed yet, or if its info cannot be decrypted.</returns>
    private ListedSession? ToListed(StoredSession stored)
    {
        // Memory knows the last use, and from where a device password was used, earlier than the store.
        DateTimeOffset usedAt = memory.TryGet(SessionKey.FromBytes(stored.Key), out Session? session) ? session!.UsedAt : stored.UsedAt;
        DateTimeOffset now = time.GetUtcNow();
        if (now >= stored.ExpiresAt || (stored.HasIdleTimeout && now - usedAt >= settings.Idle))
        {
            return null;
        }

        if (infos.Unprotect(stored.Info) is not { } info)
        {
            return null;
        }

        if (session?.UsedFrom is { } from)
        {
            info = info with { Address = RequestOrigin.Format(from) };
        }

        return new ListedSession(stored with { UsedAt = usedAt }, info);
    }
}
