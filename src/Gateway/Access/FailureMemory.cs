using Gateway.Storage;

namespace Gateway.Access;

/// <summary>The counters of failed credentials of this gateway: at most so many, the oldest go first. The caller locks.</summary>
internal sealed class FailureMemory(int capacity, TimeProvider time)
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>The counters by the time at which they began; a counter that was removed meanwhile is skipped.</summary>
    private readonly Queue<(string Counter, long Sequence)> _order = [];

    private long _sequence;

    public FailureCount Read(string counter) =>
        _entries.TryGetValue(counter, out Entry entry) && entry.Until > Now ? new FailureCount(entry.Count, entry.Until - Now) : default;

    /// <summary>Adds one. A new counter, and one that reaches the limit, lasts for <paramref name="window"/> from now.</summary>
    /// <returns>The new count.</returns>
    public long Add(string counter, int limit, TimeSpan window)
    {
        FailureCount before = Read(counter);
        if (before.Count == 0)
        {
            Begin(counter, window);
            return 1;
        }

        long count = before.Count + 1;
        Entry entry = _entries[counter];
        _entries[counter] = entry with { Count = count, Until = count == limit ? Now + window : entry.Until };
        return count;
    }

    /// <summary>A counter of one that lasts from now.</summary>
    public void Set(string counter, TimeSpan ttl)
    {
        if (_entries.TryGetValue(counter, out Entry entry))
        {
            _entries[counter] = entry with { Count = 1, Until = Now + ttl };
            return;
        }

        Begin(counter, ttl);
    }

    public void Remove(string counter) => _entries.Remove(counter);

    /// <summary>The time since an arbitrary point, by the clock that nobody sets.</summary>
    private TimeSpan Now => time.GetElapsedTime(0);

    private void Begin(string counter, TimeSpan ttl)
    {
        _sequence++;
        _entries[counter] = new Entry(1, Now + ttl, _sequence);
        _order.Enqueue((counter, _sequence));
        while (_order.Count > capacity)
        {
            (string oldest, long sequence) = _order.Dequeue();
            if (_entries.TryGetValue(oldest, out Entry entry) && entry.Sequence == sequence)
            {
                _entries.Remove(oldest);
            }
        }
    }

    private readonly record struct Entry(long Count, TimeSpan Until, long Sequence);
}
