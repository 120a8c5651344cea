using System.Collections.Concurrent;
using System.Text;
using Gateway.Background;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.PasswordSessions;

/// <summary>Why a local session ended.</summary>
internal enum PasswordSessionEnd
{
    SignedOut,

    /// <summary>Its person signed in by single sign-on.</summary>
    Replaced,

    /// <summary>Paperless no longer knows it: logged out there, a new password, a user switched off.</summary>
    GoneAtPaperless,
}

/// <summary>Recognises the sessions of people who signed in at Paperless with a password, and remembers each for a minute.</summary>
internal sealed partial class PasswordSessionRegistry(
    GatewaySettings settings,
    PasswordSessionQuery paperless,
    PaperlessCookies cookies,
    PaperlessSession paperlessSession,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    public static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    private const int Capacity = 10_000;

    private readonly ConcurrentDictionary<SessionKey, Entry> _remembered = new();

    /// <summary>Raised when a session turns out to be over, for what hangs on it (open WebSockets).</summary>
    public event Action<SessionKey>? Ended;

    public static SessionKey KeyOf(string cookie) => SessionKey.FromSecret(Encoding.Latin1.GetBytes(cookie));

    /// <summary>The value of Paperless's session cookie, where it may be that of a local session; null with a session of the gateway's.</summary>
    public string? CookieOf(HttpContext context) =>
        settings.Paperless.RegularLoginDisabled || context.Session() is not null ? null : cookies.PaperlessSession(context.Request, session: null);

    /// <summary>Who it is: remembered, or asked; at the same time only once for each cookie.</summary>
    public async Task<PasswordSessionResult> FindAsync(string cookie, CancellationToken cancellationToken)
    {
        SessionKey key = KeyOf(cookie);
        DateTimeOffset now = time.GetUtcNow();
        if (!_remembered.TryGetValue(key, out Entry? entry) || !entry.IsGood(now))
        {
            MakeRoom(now);
            PasswordSessionResult? before = entry?.IfAnswered;
            Entry asked = new(now + Remembered, () => AskAsync(key, cookie, now, before));
            entry = _remembered.AddOrUpdate(key, asked, (_, other) => other.IsGood(now) ? other : asked);
        }

        try
        {
            return await entry.Finding.WaitAsync(cancellationToken);
        }
        finally
        {
            // No answer is not remembered: there may be one the next time.
            if (!entry.IsGood(now))
            {
                _remembered.TryRemove(KeyValuePair.Create(key, entry));
            }
        }
    }

    /// <summary>Whether the session is known to be over.</summary>
    public bool IsOver(SessionKey key) => _remembered.TryGetValue(key, out Entry? entry) && entry.IfAnswered is { IsOver: true };

    /// <summary>Paperless took the request for nobody's: the next one is asked about anew.</summary>
    public void Doubt(PasswordSession session)
    {
        if (_remembered.TryGetValue(session.Key, out Entry? entry) && entry.IfAnswered?.Session is not null)
        {
            _remembered.TryRemove(KeyValuePair.Create(session.Key, entry));
        }
    }

    /// <summary>Ends the request's local session: here first, so that nobody gets in any more, then at Paperless.</summary>
    public async Task EndAsync(HttpContext context, PasswordSessionEnd cause)
    {
        if (cookies.PaperlessSession(context.Request, session: null) is not { } cookie)
        {
            return;
        }

        SessionKey key = KeyOf(cookie);
        Forbid(key, Remembered);
        RaiseEnded(key);
        if (context.PasswordSession() is { } session)
        {
            PasswordSessionEnded(session.Username, cause, key);
        }

        if (!await paperlessSession.EndAsync(context, session: null))
        {
            // Paperless would still take it. It does not get there by this gateway.
            Forbid(key, settings.Session.Lifetime);
        }
    }

    private void Forbid(SessionKey key, TimeSpan howLong)
    {
        DateTimeOffset now = time.GetUtcNow();
        MakeRoom(now);
        _remembered[key] = new Entry(now + howLong, () => Task.FromResult(PasswordSessionResult.Nobody));
    }

    private async Task<PasswordSessionResult> AskAsync(SessionKey key, string cookie, DateTimeOffset now, PasswordSessionResult? before)
    {
        PasswordSessionResult finding = await AskPaperlessAsync(cookie, now, key);
        if (finding.Session is { } session)
        {
            finding = finding with { Session = session with { Key = key } };
            if (before?.Session?.UserId != session.UserId)
            {
                PasswordSessionFound(session.Username, session.UserId, key);
            }
        }

        if (finding.IsOver)
        {
            if (before?.Session is { } gone)
            {
                PasswordSessionEnded(gone.Username, PasswordSessionEnd.GoneAtPaperless, key);
            }

            RaiseEnded(key);
        }

        return finding;
    }

    /// <summary>Many may wait for this one answer: whatever goes wrong is no answer for them, and nothing worse.</summary>
    private async Task<PasswordSessionResult> AskPaperlessAsync(string cookie, DateTimeOffset now, SessionKey key)
    {
        try
        {
            return await paperless.AskAsync(cookie, now);
        }
        catch (Exception error)
        {
            PasswordSessionQuestionFailed(error, key);
            return PasswordSessionResult.Unknown;
        }
    }

    private void RaiseEnded(SessionKey key) => Subscribers.Raise(Ended, heard => heard(key), "the end of a session with a Paperless password", logger);

    /// <summary>Keeps within the bound: what is out of date goes first, then what would be soonest.</summary>
    private void MakeRoom(DateTimeOffset now)
    {
        if (_remembered.Count < Capacity)
        {
            return;
        }

        foreach (KeyValuePair<SessionKey, Entry> entry in _remembered.ToArray().OrderBy(entry => entry.Value.Until)
            .Where((entry, index) => entry.Value.Until <= now || index < Capacity / 10))
        {
            _remembered.TryRemove(entry);
        }
    }

    /// <summary>What is remembered of one cookie; asked by the first who wants to know.</summary>
    private sealed class Entry(DateTimeOffset until, Func<Task<PasswordSessionResult>> ask)
    {
        private readonly Lazy<Task<PasswordSessionResult>> _finding = new(ask);

        public DateTimeOffset Until => until;

        /// <summary>Whether it is an answer, or will be one, that is not too old.</summary>
        public bool IsGood(DateTimeOffset now) => until > now && !(Finding.IsCompleted && IfAnswered is null or { Answer: PasswordSessionStatus.Unknown });

        public Task<PasswordSessionResult> Finding => _finding.Value;

        public PasswordSessionResult? IfAnswered => _finding is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? _finding.Value.Result : null;
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
        Message = "Asking Paperless whose a session of its own is failed inside the gateway; session {Session}")]
    private partial void PasswordSessionQuestionFailed(Exception error, SessionKey session);
}
