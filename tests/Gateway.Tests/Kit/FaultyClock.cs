namespace Gateway.Tests.Kit;

/// <summary>A clock that throws once when the class or method that a test names uses it.</summary>
internal sealed class FaultyClock(TimeProvider clock) : TimeProvider
{
    private (string Part, Exception Error)? _fault;

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override long TimestampFrequency => clock.TimestampFrequency;

    /// <summary>Whether the exception has been thrown.</summary>
    public bool HasThrown => _fault is null;

    /// <param name="part">A class or method, as a stack trace names it.</param>
    public void FailOnceIn(string part, Exception error) => _fault = (part, error);

    public override DateTimeOffset GetUtcNow()
    {
        ThrowWhereMeant();
        return clock.GetUtcNow();
    }

    public override long GetTimestamp()
    {
        ThrowWhereMeant();
        return clock.GetTimestamp();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ThrowWhereMeant();
        return clock.CreateTimer(callback, state, dueTime, period);
    }

    private void ThrowWhereMeant()
    {
        if (_fault is { } fault && Environment.StackTrace.Contains(fault.Part, StringComparison.Ordinal))
        {
            _fault = null;
            throw fault.Error;
        }
    }
}
