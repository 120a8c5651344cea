namespace Gateway.Sessions;

/// <summary>So many a minute, and no more: for what anybody may ask for without proof.</summary>
internal sealed class MinuteBudget(int most)
{
    private readonly Lock _counting = new();
    private DateTimeOffset _since;
    private int _taken;

    public bool TryTake(DateTimeOffset now)
    {
        lock (_counting)
        {
            // A clock that was set back begins a new minute as well.
            if (now - _since >= TimeSpan.FromMinutes(1) || now < _since)
            {
                (_since, _taken) = (now, 0);
            }

            if (_taken >= most)
            {
                return false;
            }

            _taken++;
            return true;
        }
    }
}
