namespace Gateway.Operations;

/// <summary>
/// The request in which a log line is written. It flows with the request's asynchronous work, and no longer than the request: work that outlives the
/// request, such as a loop that it started, must not read a context that the server has given to another request.
/// </summary>
internal sealed class LoggedRequest
{
    private static readonly AsyncLocal<LoggedRequest?> Running = new();

    private readonly Lock _lock = new();
    private HttpContext? _context;

    private LoggedRequest(HttpContext context) => _context = context;

    /// <summary>Null outside of a request.</summary>
    public static LoggedRequest? Current => Running.Value;

    /// <summary>Call this in the outermost middleware, in an async method: what is set there ends with it.</summary>
    public static LoggedRequest Begin(HttpContext context) => Running.Value = new LoggedRequest(context);

    /// <summary>Waits for a line that is just being written.</summary>
    public void End()
    {
        lock (_lock)
        {
            _context = null;
        }
    }

    /// <summary>Runs the action with the context, unless the request has ended.</summary>
    public void Read<TState>(TState state, Action<HttpContext, TState> read)
    {
        lock (_lock)
        {
            if (_context is { } context)
            {
                read(context, state);
            }
        }
    }
}
