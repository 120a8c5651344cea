using System.Collections.Concurrent;

namespace Gateway.Sessions;

/// <summary>The sessions that requests find without asking the store. Number and bytes are limited. An ended session is never added again.</summary>
internal sealed class SessionMemory(int capacity, long maxBytes = SessionMemory.MaxBytes)
{
    /// <summary>About 5 KiB for each of 50,000 sessions. Their size is estimated, not measured.</summary>
    public const long MaxBytes = 256L * 1024 * 1024;

    /// <summary>
    /// How long ended sessions are remembered. Far longer than a look-up that began before the end can take, because the ends are also resent to a
    /// store that was restored from a snapshot or failed over to a replica that was behind.
    /// </summary>
    public static readonly TimeSpan EndedTtl = TimeSpan.FromHours(1);

    /// <summary>Ended sessions beyond this number are forgotten, the oldest first.</summary>
    private const int MaxEnded = 200_000;

    /// <summary>Checks the total size after this many additions.</summary>
    private readonly int _sizeCheckInterval = Math.Max(capacity / 50, 16);
    private int _added;

    /// <summary>Makes adding and ending a session atomic. Look-ups are the hot path and take no lock.</summary>
    private readonly Lock _changing = new();

    private readonly ConcurrentDictionary<SessionKey, Session> _sessions = new();
    private readonly ConcurrentDictionary<SessionKey, DateTimeOffset> _ended = new();

    /// <summary>The sessions that ended at this time or later, within <see cref="EndedTtl"/>.</summary>
    public IReadOnlyList<SessionKey> EndedSince(DateTimeOffset since) => [.. _ended.Where(entry => entry.Value >= since).Select(entry => entry.Key)];

    public int Count => _sessions.Count;

    public IEnumerable<Session> All => _sessions.Select(entry => entry.Value);

    public bool TryGet(SessionKey key, out Session? session) => _sessions.TryGetValue(key, out session);

    /// <summary>Adds a session that was read from the store.</summary>
    /// <returns>The session in memory, which another request may have added first; null if the session has ended.</returns>
    public Session? Add(Session session)
    {
        if (Interlocked.Increment(ref _added) % _sizeCheckInterval == 0)
        {
            Shrink(slack: _sizeCheckInterval);
        }

        lock (_changing)
        {
            return _ended.ContainsKey(session.Key) ? null : _sessions.GetOrAdd(session.Key, session);
        }
    }

    /// <summary>Replaces a session by its later version, unless the session has ended.</summary>
    /// <returns>The session in memory; null if the session has ended.</returns>
    public Session? Renew(Session after)
    {
        lock (_changing)
        {
            if (_ended.ContainsKey(after.Key))
            {
                return null;
            }

            if (_sessions.TryGetValue(after.Key, out Session? before))
            {
                if (before.Version >= after.Version)
                {
                    return before;
                }

                after.CopyStateFrom(before);
            }

            return _sessions[after.Key] = after;
        }
    }

    /// <summary>Ends a session. A repeated message does not prolong the mark: gateways would otherwise remind each other forever.</summary>
    /// <returns>The session; null if it was not in memory.</returns>
    public Session? MarkEnded(SessionKey key, DateTimeOffset now)
    {
        lock (_changing)
        {
            _ended.TryAdd(key, now);
            return _sessions.TryRemove(key, out Session? session) ? session : null;
        }
    }

    /// <summary>Prolongs the mark of an ended session that the store has not removed yet.</summary>
    public void RefreshEnded(SessionKey key, DateTimeOffset now) => _ended[key] = now;

    /// <summary>Whether the session ended within <see cref="EndedTtl"/>. If so, a row in the store is out of date.</summary>
    public bool IsEnded(SessionKey key) => _ended.ContainsKey(key);

    public void Forget(Session session) => _sessions.TryRemove(KeyValuePair.Create(session.Key, session));

    /// <summary>Removes old marks of ended sessions and the sessions beyond the limits.</summary>
    public void Trim(DateTimeOffset now)
    {
        foreach ((SessionKey key, DateTimeOffset endedAt) in _ended)
        {
            if (now - endedAt > EndedTtl)
            {
                _ended.TryRemove(key, out _);
            }
        }

        int excess = _ended.Count - MaxEnded;
        foreach ((SessionKey key, _) in excess > 0 ? _ended.ToArray().OrderBy(entry => entry.Value).Take(excess) : [])
        {
            _ended.TryRemove(key, out _);
        }

        Shrink(slack: 0);
    }

    /// <summary>Removes the least recently used sessions from memory; the store still has them. Sessions with open WebSockets stay.</summary>
    private void Shrink(int slack)
    {
        int excess = _sessions.Count - capacity;
        long excessBytes = All.Sum(session => session.Bytes) - maxBytes;
        if (excess <= slack && excessBytes <= 0)
        {
            return;
        }

        foreach (Session session in All.Where(session => session.OpenSockets == 0).ToArray().OrderBy(session => session.UsedAt))
        {
            if (excess <= 0 && excessBytes <= 0)
            {
                return;
            }

            Forget(session);
            excess--;
            excessBytes -= session.Bytes;
        }
    }
}
