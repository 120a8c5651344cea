namespace Gateway.StandIns.Paperless;

/// <summary>DRF's limit on <c>/api/token/</c>: so many requests in any minute from one address.</summary>
internal sealed class TokenThrottle(StandInPaperlessOptions options)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Queue<DateTimeOffset>> _requests = [];

    /// <summary>How long the caller must wait; null when the request is counted and may go on.</summary>
    public TimeSpan? WaitFor(Visit visit)
    {
        // DRF takes X-Forwarded-For whole, as it comes; who is signed in is counted by name.
        string caller = visit.User?.Name
            ?? visit.Header("X-Forwarded-For")
            ?? visit.Http.Connection.RemoteIpAddress?.ToString()
            ?? "";
        DateTimeOffset now = options.Time.GetUtcNow();
        lock (_lock)
        {
            if (!_requests.TryGetValue(caller, out Queue<DateTimeOffset>? history))
            {
                history = _requests[caller] = new Queue<DateTimeOffset>();
            }

            while (history.TryPeek(out DateTimeOffset oldest) && oldest + Window <= now)
            {
                history.Dequeue();
            }

            if (history.Count >= options.TokenRequestsPerMinute)
            {
                return history.Peek() + Window - now;
            }

            history.Enqueue(now);
            return null;
        }
    }
}
