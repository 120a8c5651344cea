namespace Gateway.Providers;

/// <summary>Rate limit: a few actions at once, then one more after each interval. Not thread-safe: callers must hold a lock.</summary>
internal sealed class TokenBucket(int capacity, TimeSpan interval, TimeProvider time)
{
    private int _taken;
    private DateTimeOffset _filledAt = DateTimeOffset.MinValue;

    public bool TryTake()
    {
        DateTimeOffset now = time.GetUtcNow();
        long intervals = Math.Max(0, (now - _filledAt).Ticks / interval.Ticks);
        _taken = (int)Math.Max(0, _taken - intervals);

        // A full bucket does not save up time: its next interval begins when a token is taken.
        _filledAt = _taken == 0 ? now : _filledAt + (interval * intervals);
        if (_taken == capacity)
        {
            return false;
        }

        _taken++;
        return true;
    }
}
