using System.Diagnostics.CodeAnalysis;

namespace Gateway.Access;

/// <summary>The latest entries by key; the oldest are evicted. Not safe for several threads.</summary>
internal sealed class AnswerCache<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Dictionary<TKey, (long Sequence, TValue Value)> _entries = [];
    private readonly Queue<(TKey Key, long Sequence)> _order = [];
    private long _sequence;

    public bool TryFind(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        bool isFound = _entries.TryGetValue(key, out (long Sequence, TValue Value) entry);
        value = entry.Value;
        return isFound;
    }

    public void Add(TKey key, TValue value)
    {
        _entries[key] = (++_sequence, value);
        _order.Enqueue((key, _sequence));
        while (_order.Count > capacity)
        {
            (TKey oldest, long sequence) = _order.Dequeue();
            if (_entries.TryGetValue(oldest, out (long Sequence, TValue Value) entry) && entry.Sequence == sequence)
            {
                _entries.Remove(oldest);
            }
        }
    }

    public void Remove(TKey key) => _entries.Remove(key);
}
