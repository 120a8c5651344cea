namespace Gateway.ReadAhead;

/// <summary>A GET that a page sends when it is opened.</summary>
/// <param name="Target">The request target, with the script name and the query.</param>
/// <param name="Accept">The `Accept` header that the page's script sends.</param>
internal sealed record PageRequest(string Target, string Accept);

/// <summary>What one person's page at one address asks for first. Only the requests are remembered, never an answer.</summary>
internal sealed class RememberedPage(int maxRequests)
{
    /// <summary>After this many unused answers in a row, the request is no longer sent ahead.</summary>
    private const int MaxUnused = 2;

    /// <summary>Each time the page has been opened so often, all its requests get another try: a slow network may have been the reason.</summary>
    private const int RetryInterval = 16;

    /// <summary>Each time the page has been opened so often, the browser gets no hint.</summary>
    private const int LearningInterval = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private HashSet<PageRequest> _lastAsked = [];
    private long _opened;

    public int MaxRequests => maxRequests;

    /// <summary>All that the page asked for when it was last opened without a hint to the browser; empty before.</summary>
    public IReadOnlySet<PageRequest> LastAsked => Volatile.Read(ref _lastAsked);

    /// <summary>Whether the next opening shows what the page asks for by itself: a browser that was told beforehand does not.</summary>
    public bool IsTimeToLearn => Interlocked.Read(ref _opened) % LearningInterval == LearningInterval - 1;

    /// <summary>Notes all requests of an opening without a hint to the browser.</summary>
    public void NoteOpening(HashSet<PageRequest> asked) => Volatile.Write(ref _lastAsked, asked);

    /// <summary>Notes that the page is opened.</summary>
    /// <returns>The requests to send ahead, in the order in which the page sent them last time.</returns>
    public IReadOnlyList<PageRequest> Open()
    {
        lock (_lock)
        {
            bool triesAll = ++_opened % RetryInterval == 0;
            return
            [
                .. _entries.Values.Where(entry => entry.Unused < MaxUnused || triesAll).OrderBy(entry => entry.Position).Select(entry => entry.Request),
            ];
        }
    }

    /// <summary>Notes a request of the page whose answer could have been held.</summary>
    /// <param name="position">The requests that the page had sent before.</param>
    public void NoteRequest(PageRequest request, int position)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(request.Target, out Entry? known) && known.Request == request)
            {
                known.Position = position;
                return;
            }

            if (known is null && _entries.Count >= maxRequests)
            {
                Entry leastUsed = _entries.Values.MaxBy(entry => entry.Unused)!;
                if (leastUsed.Unused == 0)
                {
                    return;
                }

                _entries.Remove(leastUsed.Request.Target);
            }

            _entries[request.Target] = new Entry(request) { Position = position };
        }
    }

    public void NoteUsed(PageRequest request, int position) => Change(request, entry => (entry.Unused, entry.Position) = (0, position));

    public void NoteUnused(PageRequest request) => Change(request, entry => entry.Unused++);

    private void Change(PageRequest request, Action<Entry> change)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(request.Target, out Entry? entry))
            {
                change(entry);
            }
        }
    }

    private sealed class Entry(PageRequest request)
    {
        public PageRequest Request { get; } = request;

        public int Position { get; set; }

        /// <summary>The unused answers since the last one that was used.</summary>
        public int Unused { get; set; }
    }
}
