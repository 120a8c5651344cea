using System.Collections.Concurrent;

namespace Gateway.Sessions;

/// <summary>The sessions that requests find without asking the store. Bounded; never brings back one that was ended.</summary>
internal sealed class SessionMemory(int capacity)
{
    /// <summary>Longer than any look-up that began before an end can take to finish after it.</summary>
    private static readonly TimeSpan EndedKept = TimeSpan.FromMinutes(2);

    /// <summary>An addition and an end are never half done to each other; look-ups, which are the hot path, take no lock.</summary>
    private readonly Lock _changing = new();

    private readonly ConcurrentDictionary<SessionKey, Session> _sessions = new();
    private readonly ConcurrentDictionary<SessionKey, DateTimeOffset> _ended = new();

    public IEnumerable<Session> All => _sessions.Select(entry => entry.Value);

    public bool TryGet(SessionKey key, out Session? session) => _sessions.TryGetValue(key, out session);

    /// <summary>Adds what was read from the store, or gives what another request added first; null where the session ended meanwhile.</summary>
    public Session? Add(Session session)
    {
        lock (_changing)
        {
            return _ended.ContainsKey(session.Key) ? null : _sessions.GetOrAdd(session.Key, session);
        }
    }

    /// <summary>Puts a later version of a session in the place of an earlier one; what ended meanwhile stays so.</summary>
    /// <returns>The session that is here now; null where it ended.</returns>
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

                after.GoOnFrom(before);
            }

            return _sessions[after.Key] = after;
        }
    }

    /// <returns>The session, where it was still here.</returns>
    public Session? MarkEnded(SessionKey key, DateTimeOffset now)
    {
        lock (_changing)
        {
            _ended[key] = now;
            return _sessions.TryRemove(key, out Session? session) ? session : null;
        }
    }

    /// <summary>Whether it ended a short while ago; whatever the store says of it is older.</summary>
    public bool IsEnded(SessionKey key) => _ended.ContainsKey(key);

    public void Forget(Session session) => _sessions.TryRemove(KeyValuePair.Create(session.Key, session));

    /// <summary>Keeps within the bound: what was used longest ago goes back to being only in the store. Open WebSockets hold their session here.</summary>
    public void Trim(DateTimeOffset now)
    {
        foreach ((SessionKey key, DateTimeOffset endedAt) in _ended)
        {
            if (now - endedAt > EndedKept)
            {
                _ended.TryRemove(key, out _);
            }
        }

        int surplus = _sessions.Count - capacity;
        if (surplus > 0)
        {
            foreach (Session session in All.Where(session => session.OpenSockets == 0).OrderBy(session => session.UsedAt).Take(surplus).ToArray())
            {
                Forget(session);
            }
        }
    }
}
