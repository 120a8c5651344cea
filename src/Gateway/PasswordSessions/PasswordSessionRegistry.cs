using System.Collections.Concurrent;
using System.Text;
using Gateway.Background;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Tracing;

namespace Gateway.PasswordSessions;

/// <summary>Why a password session ended.</summary>
internal enum PasswordSessionEnd
{
    SignedOut,

    /// <summary>The user signed in by single sign-on.</summary>
    Replaced,

    /// <summary>A superuser ended the session on the admin page.</summary>
    EndedByTheOperator,

    /// <summary>Paperless ended the session: a logout there, a new password, or a deactivated user.</summary>
    GoneAtPaperless,
}

/// <summary>Recognises password sessions, and caches each for a minute.</summary>
internal sealed partial class PasswordSessionRegistry(
    GatewaySettings settings,
    PasswordSessionQuery paperless,
    PaperlessCookies cookies,
    PaperlessSessionLogout paperlessLogout,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    public static readonly TimeSpan CacheTtl = TimeSpan.FromMinutes(1);

    private const int Capacity = 10_000;

    /// <summary>Paperless ends a session two weeks after its sign-in, unless it is set otherwise.</summary>
    private static readonly TimeSpan KeptUnused = TimeSpan.FromDays(14);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<SessionKey, Entry> _entries = new();
    private long _sweptAt;

    /// <summary>Raised when a session has ended, so that its WebSockets close.</summary>
    public event Action<SessionKey>? Ended;

    public static SessionKey KeyOf(string cookie) => SessionKey.FromSecret(Encoding.Latin1.GetBytes(cookie));

    /// <summary>The value of Paperless's session cookie, where it may belong to a password session; null with a session of the gateway.</summary>
    public string? CookieOf(HttpContext context) =>
        settings.Paperless.RegularLoginDisabled || context.Session() is not null ? null : cookies.ReadPaperlessSession(context.Request, session: null);

    /// <summary>The session of a cookie, cached or asked for; concurrent requests with one cookie share one request to Paperless.</summary>
    /// <param name="cookie">The value of Paperless's session cookie.</param>
    /// <param name="cancellationToken">Ends the wait, not the request to Paperless.</param>
    /// <param name="askAgain">Whether Paperless must confirm now that the session goes on.</param>
    public async Task<PasswordSessionResult> FindAsync(string cookie, CancellationToken cancellationToken, bool askAgain = false)
    {
        SessionKey key = KeyOf(cookie);
        DateTimeOffset now = time.GetUtcNow();
        if (!_entries.TryGetValue(key, out Entry? entry) || !IsGood(entry))
        {
            MakeRoom(now);
            PasswordSessionResult? previous = entry?.ResultIfAnswered;
            Entry asked = new(now + CacheTtl, cookie, () => AskAsync(key, cookie, now, previous));
            entry = _entries.AddOrUpdate(key, asked, (_, other) => IsGood(other) ? other : asked);
        }

        try
        {
            return await entry.Result.WaitAsync(cancellationToken);
        }
        finally
        {
            // A missing answer is not cached, so that the next request asks again.
            if (!entry.IsValid(now))
            {
                _entries.TryRemove(KeyValuePair.Create(key, entry));
            }
        }

        bool IsGood(Entry one) => one.IsValid(now) && (!askAgain || one.HasEnded);
    }

    /// <summary>The sessions that this gateway has seen since its start and of whose end it does not know, latest first.</summary>
    public IReadOnlyList<PasswordSession> List()
    {
        Sweep(time.GetUtcNow());
        return
        [
            .. _entries.Values.Select(entry => entry.ResultIfAnswered?.Session).OfType<PasswordSession>().OrderByDescending(session => session.CheckedAt),
        ];
    }

    /// <summary>Whether the session is known to have ended.</summary>
    public bool HasEnded(SessionKey key) => _entries.TryGetValue(key, out Entry? entry) && entry.HasEnded;

    /// <summary>Removes the session from the cache after Paperless answered a request as not signed in.</summary>
    public void Invalidate(PasswordSession session)
    {
        if (_entries.TryGetValue(session.Key, out Entry? entry) && entry.ResultIfAnswered?.Session is not null)
        {
            _entries.TryRemove(KeyValuePair.Create(session.Key, entry));
        }
    }

    /// <summary>Ends the request's password session: first here, so that the gateway refuses it at once, then at Paperless.</summary>
    public async Task EndAsync(HttpContext context, PasswordSessionEnd cause)
    {
        if (cookies.ReadPaperlessSession(context.Request, session: null) is not { } cookie)
        {
            return;
        }

        await EndAsync(cookie, context.PasswordSession(), cause, context.TraceId());
    }

    /// <summary>Ends a session of the <see cref="List"/>, for all gateways: Paperless ends it.</summary>
    /// <returns>False if the gateway does not know the session, or knows of its end.</returns>
    public async Task<bool> EndAsync(SessionKey key, string traceId)
    {
        if (!_entries.TryGetValue(key, out Entry? entry) || entry.ResultIfAnswered?.Session is not { } session || entry.Cookie is not { } cookie)
        {
            return false;
        }

        await EndAsync(cookie, session, PasswordSessionEnd.EndedByTheOperator, traceId);
        return true;
    }

    private async Task EndAsync(string cookie, PasswordSession? session, PasswordSessionEnd cause, string traceId)
    {
        SessionKey key = KeyOf(cookie);
        Refuse(key, CacheTtl);
        RaiseEnded(key);
        if (session is not null)
        {
            PasswordSessionEnded(session.Username, cause, key);
        }

        if (!await paperlessLogout.EndAsync(cookie, traceId))
        {
            // Paperless would still accept the cookie, so the gateway refuses it from now on.
            Refuse(key, settings.Session.Lifetime);
        }
    }

    private void Refuse(SessionKey key, TimeSpan ttl)
    {
        DateTimeOffset now = time.GetUtcNow();
        MakeRoom(now);
        _entries[key] = Entry.Ended(now + ttl);
    }

    private async Task<PasswordSessionResult> AskAsync(SessionKey key, string cookie, DateTimeOffset now, PasswordSessionResult? previous)
    {
        PasswordSessionResult result = await AskPaperlessAsync(cookie, now, key);
        if (result.Session is { } session)
        {
            result = result with { Session = session with { Key = key } };
            if (previous?.Session?.UserId != session.UserId)
            {
                PasswordSessionFound(session.Username, session.UserId, key);
            }
        }

        if (result.HasEnded)
        {
            if (previous?.Session is { } gone)
            {
                PasswordSessionEnded(gone.Username, PasswordSessionEnd.GoneAtPaperless, key);
            }

            RaiseEnded(key);
        }

        return result;
    }

    /// <summary>Several requests may wait for this answer: a failure leaves the status unknown for all of them.</summary>
    private async Task<PasswordSessionResult> AskPaperlessAsync(string cookie, DateTimeOffset now, SessionKey key)
    {
        try
        {
            return await paperless.AskAsync(cookie, now);
        }
        catch (Exception error)
        {
            PasswordSessionQuestionFailed(error, key);
            return PasswordSessionResult.Unknown(new PaperlessUnavailableException("the question to Paperless failed", PaperlessFault.NoAnswer, error));
        }
    }

    private void RaiseEnded(SessionKey key) =>
        Subscribers.Raise(Ended, subscriber => subscriber(key), "the end of a session with a Paperless password", logger);

    /// <summary>Keeps the cache within its capacity: removes expired entries, else those that expire first.</summary>
    private void MakeRoom(DateTimeOffset now)
    {
        long sweptAt = Volatile.Read(ref _sweptAt);
        if (now.UtcTicks - sweptAt > SweepInterval.Ticks && Interlocked.CompareExchange(ref _sweptAt, now.UtcTicks, sweptAt) == sweptAt)
        {
            Sweep(now);
        }

        if (_entries.Count < Capacity)
        {
            return;
        }

        foreach (KeyValuePair<SessionKey, Entry> entry in _entries.ToArray().OrderBy(entry => entry.Value.ExpiresAt)
            .Where((entry, index) => entry.Value.ExpiresAt <= now || index < Capacity / 10))
        {
            _entries.TryRemove(entry);
        }
    }

    /// <summary>Removes the entries that have been unused for a long time, and their cookies with them.</summary>
    private void Sweep(DateTimeOffset now)
    {
        foreach (KeyValuePair<SessionKey, Entry> old in _entries.Where(entry => now - entry.Value.ExpiresAt > KeptUnused))
        {
            _entries.TryRemove(old);
        }
    }

    /// <summary>The cached result of one cookie; the first reader starts the request to Paperless.</summary>
    private sealed class Entry
    {
        private readonly Lazy<Task<PasswordSessionResult>> _result;

        public Entry(DateTimeOffset expiresAt, string cookie, Func<Task<PasswordSessionResult>> ask)
        {
            ExpiresAt = expiresAt;
            Cookie = cookie;
            _result = new Lazy<Task<PasswordSessionResult>>(() => AskAsync(ask));
        }

        private Entry(DateTimeOffset expiresAt)
        {
            ExpiresAt = expiresAt;
            _result = new Lazy<Task<PasswordSessionResult>>(Task.FromResult(PasswordSessionResult.NotSignedIn));
        }

        public DateTimeOffset ExpiresAt { get; }

        /// <summary>The logout of an operator sends it to Paperless; null for a session that has ended.</summary>
        public string? Cookie { get; private set; }

        public bool HasEnded => ResultIfAnswered is { HasEnded: true };

        public Task<PasswordSessionResult> Result => _result.Value;

        public PasswordSessionResult? ResultIfAnswered =>
            _result is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? _result.Value.Result : null;

        /// <summary>A session that has ended, without asking.</summary>
        public static Entry Ended(DateTimeOffset expiresAt) => new(expiresAt);

        /// <summary>Whether the entry has not expired and has, or awaits, an answer.</summary>
        public bool IsValid(DateTimeOffset now) =>
            ExpiresAt > now && !(Result.IsCompleted && ResultIfAnswered is null or { Status: PasswordSessionStatus.Unknown });

        private async Task<PasswordSessionResult> AskAsync(Func<Task<PasswordSessionResult>> ask)
        {
            PasswordSessionResult result = await ask();
            if (result.HasEnded)
            {
                Cookie = null;
            }

            return result;
        }
    }

    [LoggerMessage(
        EventId = 5021,
        EventName = "PasswordSessionFound",
        Level = LogLevel.Information,
        Message = "{User} (Paperless user {UserId}) is signed in with a Paperless password; session {Session}")]
    private partial void PasswordSessionFound(string user, int userId, SessionKey session);

    [LoggerMessage(
        EventId = 5022,
        EventName = "PasswordSessionEnded",
        Level = LogLevel.Information,
        Message = "The sign-in of {User} with a Paperless password ended: {Cause}; session {Session}")]
    private partial void PasswordSessionEnded(string user, PasswordSessionEnd cause, SessionKey session);

    [LoggerMessage(
        EventId = 5024,
        EventName = "PasswordSessionQuestionFailed",
        Level = LogLevel.Error,
        Message = "The check of a password session failed inside the gateway. The request of the session is refused; session {Session}")]
    private partial void PasswordSessionQuestionFailed(Exception error, SessionKey session);
}
