namespace Gateway.Sessions;

/// <summary>Rate limit of an unauthenticated action: at most <paramref name="limit"/> a minute.</summary>
internal sealed class MinuteBudget(int limit)
{
    private readonly Lock _counting = new();
    private DateTimeOffset _since;
    private int _taken;

    public bool TryTake(DateTimeOffset now)
    {
        lock (_counting)
        {
            // A clock that was set back also begins a new minute.
            if (now - _since >= TimeSpan.FromMinutes(1) || now < _since)
            {
                (_since, _taken) = (now, 0);
            }

            if (_taken >= limit)
            {
                return false;
            }

            _taken++;
            return true;
        }
    }
}
