namespace Gateway.Providers;

/// <summary>Bounds how often something is done: a few times at once, then one more after each interval. For callers that hold a lock.</summary>
internal sealed class TokenBucket(int capacity, TimeSpan interval, TimeProvider time)
{
    private int _taken;
    private DateTimeOffset _filledAt = DateTimeOffset.MinValue;

    public bool TryTake()
    {
        DateTimeOffset now = time.GetUtcNow();
        long intervals = Math.Max(0, (now - _filledAt).Ticks / interval.Ticks);
        _taken = (int)Math.Max(0, _taken - intervals);

        // A full bucket saves nothing up: its next interval begins with the token that is taken.
        _filledAt = _taken == 0 ? now : _filledAt + (interval * intervals);
        if (_taken == capacity)
        {
            return false;
        }

        _taken++;
        return true;
    }
}
