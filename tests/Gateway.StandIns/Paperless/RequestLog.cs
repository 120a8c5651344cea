namespace Gateway.StandIns.Paperless;

/// <summary>The last requests that came in, in the order of their arrival.</summary>
internal sealed class RequestLog
{
    private const int Limit = 10_000;

    private readonly Lock _lock = new();
    private readonly Queue<ReceivedRequest> _requests = new();

    public IReadOnlyList<ReceivedRequest> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    public void Add(ReceivedRequest request)
    {
        lock (_lock)
        {
            if (_requests.Count == Limit)
            {
                _requests.Dequeue();
            }

            _requests.Enqueue(request);
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _requests.Clear();
        }
    }
}
