using System.Collections.Concurrent;

namespace Gateway.Sessions;

/// <summary>The sessions that requests find without asking the store. Bounded in number and bytes; never brings back one that was ended.</summary>
internal sealed class SessionMemory(int capacity, long bytes = SessionMemory.MostBytes)
{
    /// <summary>About 5 KiB for each of fifty thousand: an estimate of what they hold, not a measurement.</summary>
    public const long MostBytes = 256L * 1024 * 1024;

    /// <summary>
    /// Far longer than any look-up that began before an end can take to finish after it: a store that comes back from a snapshot, or as
    /// a copy that was behind, is told of these ends again.
    /// </summary>
    public static readonly TimeSpan EndedKept = TimeSpan.FromHours(1);

    /// <summary>So many ends are remembered; of more than these the oldest go first.</summary>
    private const int MostEnded = 200_000;

    /// <summary>So many come in between two looks at the whole.</summary>
    private readonly int _looksEvery = Math.Max(capacity / 50, 16);
    private int _added;

    /// <summary>An addition and an end are never half done to each other; look-ups, which are the hot path, take no lock.</summary>
    private readonly Lock _changing = new();

    private readonly ConcurrentDictionary<SessionKey, Session> _sessions = new();
    private readonly ConcurrentDictionary<SessionKey, DateTimeOffset> _ended = new();

    /// <summary>Those that ended since then, as far back as <see cref="EndedKept"/>.</summary>
    public IReadOnlyList<SessionKey> EndedSince(DateTimeOffset then) => [.. _ended.Where(entry => entry.Value >= then).Select(entry => entry.Key)];

    public IEnumerable<Session> All => _sessions.Select(entry => entry.Value);

    public bool TryGet(SessionKey key, out Session? session) => _sessions.TryGetValue(key, out session);

    /// <summary>Adds what was read from the store, or gives what another request added first; null where the session ended meanwhile.</summary>
    public Session? Add(Session session)
    {
        if (Interlocked.Increment(ref _added) % _looksEvery == 0)
        {
            Shrink(slack: _looksEvery);
        }

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

    /// <summary>Whoever hears of an end again does not keep it for longer: replicas would remind each other for ever.</summary>
    /// <returns>The session, where it was still here.</returns>
    public Session? MarkEnded(SessionKey key, DateTimeOffset now)
    {
        lock (_changing)
        {
            _ended.TryAdd(key, now);
            return _sessions.TryRemove(key, out Session? session) ? session : null;
        }
    }

    /// <summary>Keeps the mark of an end that the store has not taken yet.</summary>
    public void KeepEnded(SessionKey key, DateTimeOffset now) => _ended[key] = now;

    /// <summary>Whether it ended a short while ago; whatever the store says of it is older.</summary>
    public bool IsEnded(SessionKey key) => _ended.ContainsKey(key);

    public void Forget(Session session) => _sessions.TryRemove(KeyValuePair.Create(session.Key, session));

    /// <summary>Forgets ends that have served their time, and keeps within the bounds.</summary>
    public void Trim(DateTimeOffset now)
    {
        foreach ((SessionKey key, DateTimeOffset endedAt) in _ended)
        {
            if (now - endedAt > EndedKept)
            {
                _ended.TryRemove(key, out _);
            }
        }

        int tooMany = _ended.Count - MostEnded;
        foreach ((SessionKey key, _) in tooMany > 0 ? _ended.ToArray().OrderBy(entry => entry.Value).Take(tooMany) : [])
        {
            _ended.TryRemove(key, out _);
        }

        Shrink(slack: 0);
    }

    /// <summary>What was used longest ago goes back to being only in the store. Open WebSockets hold their session here.</summary>
    private void Shrink(int slack)
    {
        int surplus = _sessions.Count - capacity;
        long tooMuch = All.Sum(session => session.Bytes) - bytes;
        if (surplus <= slack && tooMuch <= 0)
        {
            return;
        }

        foreach (Session session in All.Where(session => session.OpenSockets == 0).ToArray().OrderBy(session => session.UsedAt))
        {
            if (surplus <= 0 && tooMuch <= 0)
            {
                return;
            }

            Forget(session);
            surplus--;
            tooMuch -= session.Bytes;
        }
    }
}
