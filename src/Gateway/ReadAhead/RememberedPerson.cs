namespace Gateway.ReadAhead;

/// <summary>What the pages of one person ask for first.</summary>
internal sealed class RememberedPerson(ReadAheadLimits limits)
{
    private const int MaxAgents = 8;

    private readonly Lock _lock = new();
    private readonly LeastRecentlyUsed<string, RememberedPage> _pages = new(limits.MaxPages, () => new RememberedPage(limits.MaxRequests));
    private readonly HashSet<string> _agentsWithoutPreload = new(StringComparer.Ordinal);

    /// <param name="path">The page's path without ids.</param>
    public RememberedPage Page(string path) => _pages.Get(path);

    /// <summary>
    /// The requests with which the interface begins on every page, because pages that ask for different things have them in common. A browser may be told
    /// to send them before the script does. The browser keeps such an answer until the script asks, however late that is, so no request is among them
    /// that a page may also send later and not at first.
    /// </summary>
    /// <param name="agent">The `User-Agent` of the browser.</param>
    public IReadOnlyList<PageRequest> StartRequests(string agent)
    {
        lock (_lock)
        {
            if (_agentsWithoutPreload.Contains(agent))
            {
                return [];
            }
        }

        IReadOnlySet<PageRequest>[] asked = [.. _pages.Values.Select(page => page.LastAsked).Where(set => set.Count > 0)];
        return asked.Any(set => !set.SetEquals(asked[0])) ? [.. asked[0].Where(request => asked.All(set => set.Contains(request)))] : [];
    }

    /// <summary>Notes a browser that asked for everything a second time: it does not use what it was told to ask for.</summary>
    public void NoteWithoutPreload(string agent)
    {
        lock (_lock)
        {
            if (_agentsWithoutPreload.Count >= MaxAgents)
            {
                _agentsWithoutPreload.Clear();
            }

            _agentsWithoutPreload.Add(agent);
        }
    }
}

/// <summary>The remembered pages of all people.</summary>
internal sealed class RememberedPages(ReadAheadLimits limits)
{
    private readonly LeastRecentlyUsed<string, RememberedPerson> _people = new(limits.MaxPeople, () => new RememberedPerson(limits));

    /// <param name="user">The user name at Paperless.</param>
    public RememberedPerson Of(string user) => _people.Get(user);
}

/// <summary>Values that are made when they are first wanted; the least recently wanted one is forgotten first.</summary>
internal sealed class LeastRecentlyUsed<TKey, TValue>(int capacity, Func<TValue> make)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _byUse = new();

    public IReadOnlyList<TValue> Values
    {
        get
        {
            lock (_lock)
            {
                return [.. _byUse.Select(node => node.Value)];
            }
        }
    }

    public TValue Get(TKey key)
    {
        lock (_lock)
        {
            if (_nodes.TryGetValue(key, out LinkedListNode<(TKey Key, TValue Value)>? known))
            {
                _byUse.Remove(known);
                _byUse.AddLast(known);
                return known.Value.Value;
            }

            if (_nodes.Count >= capacity)
            {
                _nodes.Remove(_byUse.First!.Value.Key);
                _byUse.RemoveFirst();
            }

            LinkedListNode<(TKey Key, TValue Value)> added = _byUse.AddLast((key, make()));
            _nodes.Add(key, added);
            return added.Value.Value;
        }
    }
}
