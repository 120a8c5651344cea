using Gateway.Sessions;

namespace Gateway.ReadAhead;

/// <summary>A page that a session opened a moment ago, and the answers that were asked for ahead for it.</summary>
internal sealed class OpenedPage : IDisposable
{
    /// <summary>Of a request that a browser was told to send.</summary>
    private const string BrowserAccept = "*/*";

    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private readonly HashSet<PageRequest> _asked = [];
    private readonly HashSet<PageRequest> _preloaded = [];
    private readonly HashSet<PageRequest> _askedAgain = [];
    private bool _isDisposed;
    private int _requests;

    /// <param name="ahead">What to ask Paperless, in that order.</param>
    public OpenedPage(
        Session session,
        RememberedPerson person,
        RememberedPage remembered,
        AheadRequest request,
        long openedAt,
        IEnumerable<PageRequest> ahead,
        IReadOnlyList<PageRequest> preloads)
    {
        Session = session;
        Person = person;
        Preloads = preloads;
        Remembered = remembered;
        Request = request;
        OpenedAt = openedAt;
        Answers = [.. ahead.Select(one => new AheadAnswer(one))];
        Closed = _closing.Token;
    }

    /// <summary>The version of the session: a recheck or another account makes another object.</summary>
    public Session Session { get; }

    public RememberedPerson Person { get; }

    public RememberedPage Remembered { get; }

    /// <summary>What the browser was told to ask for before the script does.</summary>
    public IReadOnlyList<PageRequest> Preloads { get; }

    public AheadRequest Request { get; }

    public long OpenedAt { get; }

    /// <summary>In the order in which Paperless is asked.</summary>
    public IReadOnlyList<AheadAnswer> Answers { get; }

    public CancellationToken Closed { get; }

    /// <summary>The requests of the page so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Counts a request of the page.</summary>
    public int NextPosition() => Interlocked.Increment(ref _requests);

    public AheadAnswer? Find(string target) => Answers.FirstOrDefault(answer => answer.Request.Target == target);

    /// <summary>
    /// What the browser asks for because it was told to; null for other requests. It comes with the `Accept` header of the browser, not with that of the
    /// script, whose answer it is.
    /// </summary>
    public PageRequest? TakePreload(string target, string accept)
    {
        if (Preloads.FirstOrDefault(one => one.Target == target) is not { } preload)
        {
            return null;
        }

        lock (_lock)
        {
            if (accept == BrowserAccept && _preloaded.Add(preload))
            {
                return preload;
            }

            _askedAgain.Add(preload);
            return null;
        }
    }

    /// <summary>Notes a request that the page sent by itself; as many as are remembered of one page.</summary>
    public void NoteAsked(PageRequest request)
    {
        lock (_lock)
        {
            if (_asked.Count < Remembered.MaxRequests)
            {
                _asked.Add(request);
            }
        }
    }

    /// <summary>Tells the memory what this opening has shown.</summary>
    public void Learn()
    {
        lock (_lock)
        {
            if (Preloads.Count == 0)
            {
                if (_asked.Count > 0)
                {
                    // A copy: a late request may still be noted here.
                    Remembered.NoteOpening([.. _asked]);
                }
            }
            else if (_askedAgain.Count == Preloads.Count)
            {
                Person.NoteWithoutPreload(Request.Agent);
            }
        }
    }

    /// <summary>Ends the questions that are under way, and gives no more answers.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _closing.Cancel();
            }
        }
    }

    /// <summary>After the last question; requests may still ask whether the page was closed.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _closing.Dispose();
        }
    }
}

/// <summary>One answer that is asked for ahead: it goes to one request, or to none.</summary>
internal sealed class AheadAnswer(PageRequest request)
{
    private const int NotAsked = 0;
    private const int Asked = 1;
    private const int Over = 2;

    private readonly TaskCompletionSource<HeldAnswer?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;

    public PageRequest Request { get; } = request;

    /// <summary>Ends with null where the answer is not held.</summary>
    public Task<HeldAnswer?> Answer => _answer.Task;

    /// <summary>The moment of <see cref="Paperless.PaperlessChanges"/> before Paperless was asked.</summary>
    public long Moment { get; set; }

    /// <returns>False where the page's own request came first.</returns>
    public bool TryAsk() => Interlocked.CompareExchange(ref _state, Asked, NotAsked) == NotAsked;

    /// <summary>Takes the answer, so that nobody else gets it.</summary>
    /// <returns>False where Paperless has not been asked, and will not be; or where the answer is taken already.</returns>
    public bool TryTake() => Interlocked.Exchange(ref _state, Over) == Asked;

    public void Finish(HeldAnswer? answer) => _answer.TrySetResult(answer);
}
