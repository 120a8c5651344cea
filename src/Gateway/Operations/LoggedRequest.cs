namespace Gateway.Operations;

/// <summary>
/// The request in which a log line is written. It flows with the request's asynchronous work, and no longer than the request: work that outlives the
/// request, such as a loop that it started, must not read a context that the server has given to another request.
/// </summary>
internal sealed class LoggedRequest
{
    private static readonly AsyncLocal<LoggedRequest?> Running = new();

    private HttpContext? _context;

    private LoggedRequest(HttpContext context, string? requestId)
    {
        _context = context;
        UserAgent = context.Request.Headers.UserAgent;
        RequestId = requestId;
    }

    /// <summary>Kept: a line of work beside the request must not read the headers while the request changes them.</summary>
    public string? UserAgent { get; }

    /// <summary>Kept, as above.</summary>
    public string? RequestId { get; }

    /// <summary>Null outside of a request.</summary>
    public static LoggedRequest? Current => Running.Value;

    /// <summary>Call this in the outermost middleware, in an async method: what is set there ends with it.</summary>
    /// <param name="requestId">The accepted `X-Request-Id`; null for none.</param>
    public static LoggedRequest Begin(HttpContext context, string? requestId) => Running.Value = new LoggedRequest(context, requestId);

    /// <summary>Waits for a line that is just being written.</summary>
    /// <remarks>The lock is this object, which only the log has: a lock of its own would be one more object for every request.</remarks>
    public void End()
    {
        lock (this)
        {
            _context = null;
        }
    }

    /// <summary>Runs the action with the context, unless the request has ended.</summary>
    public void Read<TState>(TState state, Action<HttpContext, TState> read)
    {
        lock (this)
        {
            if (_context is { } context)
            {
                read(context, state);
            }
        }
    }
}
