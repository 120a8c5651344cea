namespace Gateway.Tests.Kit;

/// <summary>A logger that throws the first time the named event is logged.</summary>
internal sealed class FaultyLogger<T>(ILogger inner, string eventName) : ILogger<T>
{
    private int _thrown;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Name == eventName && Interlocked.Exchange(ref _thrown, 1) == 0)
        {
            throw new InvalidOperationException("The log is broken, says the test.");
        }

        inner.Log(logLevel, eventId, state, exception, formatter);
    }
}
