using System.Collections.Concurrent;
using Gateway.Paperless;
using Gateway.Sessions;

namespace Gateway.ReadAhead;

/// <summary>The last page that each session opened within the last moments. A page closes when its session ends.</summary>
internal sealed class OpenedPages : IDisposable
{
    private readonly ConcurrentDictionary<SessionKey, OpenedPage> _pages = new();
    private readonly SessionRegistry _sessions;
    private readonly Revocations _revocations;
    private readonly PaperlessChanges _changes;
    private readonly ReadAheadMetrics _metrics;

    public OpenedPages(SessionRegistry sessions, Revocations revocations, PaperlessChanges changes, ReadAheadLimits limits, ReadAheadMetrics metrics)
    {
        _sessions = sessions;
        _revocations = revocations;
        _changes = changes;
        _metrics = metrics;
        Memory = new HeldMemory(limits.MaxTotalBytes);
        _revocations.Ended += OnEnded;
        _revocations.Dropped += OnDropped;
    }

    public HeldMemory Memory { get; }

    public int Count => _pages.Count;

    /// <summary>Null also where the session is another version now.</summary>
    public OpenedPage? Find(Session session) =>
        _pages.TryGetValue(session.Key, out OpenedPage? page) && ReferenceEquals(page.Session, session) ? page : null;

    /// <summary>Closes the page that the session had open before.</summary>
    public void Add(OpenedPage page)
    {
        SessionKey key = page.Session.Key;
        if (_pages.TryRemove(key, out OpenedPage? before))
        {
            before.Close();
        }

        _pages[key] = page;

        // The session may have ended while the page was on its way.
        if (_sessions.Current(key) != page.Session)
        {
            page.Close();
        }
    }

    /// <summary>Forgets a page and the answers that nobody took.</summary>
    public async Task RemoveAsync(OpenedPage page)
    {
        foreach (AheadAnswer answer in page.Answers.Where(answer => answer.TryTake()))
        {
            // All questions have ended.
            HeldAnswer? held = await answer.Answer;
            Memory.Give(held?.Body.Length ?? 0);
            if (page.Closed.IsCancellationRequested || answer.Moment != _changes.Moment)
            {
                _metrics.Discarded();
            }
            else
            {
                _metrics.Unused();
                page.Remembered.NoteUnused(answer.Request);
            }
        }

        _pages.TryRemove(KeyValuePair.Create(page.Session.Key, page));
        if (!page.Closed.IsCancellationRequested)
        {
            page.Learn();
        }
    }

    public void Dispose()
    {
        _revocations.Ended -= OnEnded;
        _revocations.Dropped -= OnDropped;
        foreach (OpenedPage page in _pages.Values)
        {
            page.Close();
        }
    }

    private void OnEnded(Session session, SessionEnd cause) => OnDropped(session);

    private void OnDropped(Session session)
    {
        if (_pages.TryRemove(session.Key, out OpenedPage? page))
        {
            page.Close();
        }
    }
}
