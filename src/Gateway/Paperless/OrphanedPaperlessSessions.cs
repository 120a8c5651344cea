using System.Threading.Channels;
using Gateway.Background;
using Gateway.Sessions;

namespace Gateway.Paperless;

/// <summary>
/// Ends Paperless's own session where the gateway's ended without its browser: by the provider, from another browser, by the operator,
/// by time. What is not known here (nothing about it is stored) stays bound to a session that is no more, and opens nothing.
/// </summary>
internal sealed partial class OrphanedPaperlessSessions : BackgroundService
{
    /// <summary>Beyond this many that wait, the rest is left to Paperless's own expiry.</summary>
    private const int MostWaiting = 1000;

    private readonly Channel<Left> _left = Channel.CreateBounded<Left>(
        new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly Revocations _revocations;
    private readonly PaperlessSession _paperless;
    private readonly PaperlessCookies _cookies;
    private readonly TimeProvider _time;
    private readonly ILogger<OrphanedPaperlessSessions> _logger;

    public OrphanedPaperlessSessions(
        Revocations revocations,
        PaperlessSession paperless,
        PaperlessCookies cookies,
        TimeProvider time,
        ILogger<OrphanedPaperlessSessions> logger)
    {
        _revocations = revocations;
        _paperless = paperless;
        _cookies = cookies;
        _time = time;
        _logger = logger;
        _revocations.Ended += OnEnded;
    }

    public override void Dispose()
    {
        _revocations.Ended -= OnEnded;
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Ending Paperless's own session", _time, _logger).RunQueueAsync(_left.Reader, EndAsync, stoppingToken);

    private async Task EndAsync(Left left, CancellationToken stopping)
    {
        if (await _paperless.EndAsync(left.Cookie, traceId: left.Session.ToString()))
        {
            OrphanedSessionEnded(left.User, left.Session);
        }
    }

    private void OnEnded(Session session, SessionEnd cause)
    {
        // A sign-out in the session's own browser ends Paperless's session before it answers.
        if (cause is not SessionEnd.SignedOut && _cookies.LastPaperlessSession(session) is { } cookie)
        {
            _left.Writer.TryWrite(new Left(cookie, session.Identity.Username, session.Key));
        }
    }

    private sealed record Left(string Cookie, string User, SessionKey Session);

    [LoggerMessage(
        EventId = 5011,
        EventName = "OrphanedSessionEnded",
        Level = LogLevel.Information,
        Message = "Paperless's own session of {User} ended with session {Session}")]
    private partial void OrphanedSessionEnded(string user, SessionKey session);
}
