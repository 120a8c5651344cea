using System.Threading.Channels;
using Gateway.Background;
using Gateway.Sessions;

namespace Gateway.Paperless;

/// <summary>
/// Ends Paperless's session after a session of the gateway ended without a request of its browser: by the provider, from another browser, by
/// the operator, or by expiry. A Paperless session that the gateway does not know is unusable, because its cookie is bound to the ended session.
/// </summary>
internal sealed partial class OrphanedPaperlessSessions : BackgroundService
{
    /// <summary>Further orphans are left to Paperless's expiry.</summary>
    private const int MaxWaiting = 1000;

    private readonly Channel<Orphan> _orphans = Channel.CreateBounded<Orphan>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly Revocations _revocations;
    private readonly PaperlessSessionLogout _paperless;
    private readonly PaperlessCookies _cookies;
    private readonly TimeProvider _time;
    private readonly ILogger<OrphanedPaperlessSessions> _logger;

    public OrphanedPaperlessSessions(
        Revocations revocations,
        PaperlessSessionLogout paperless,
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
        new BackgroundLoop("Ending Paperless's own session", _time, _logger).RunQueueAsync(_orphans.Reader, EndAsync, stoppingToken);

    private async Task EndAsync(Orphan orphan, CancellationToken stopping)
    {
        if (await _paperless.EndAsync(orphan.Cookie, traceId: orphan.Session.ToString()))
        {
            OrphanedSessionEnded(orphan.User, orphan.Session);
        }
    }

    private void OnEnded(Session session, SessionEnd cause)
    {
        // A sign-out in the browser of the session ends Paperless's session within the request.
        if (cause is not SessionEnd.SignedOut && _cookies.ReadLastPaperlessSession(session) is { } cookie)
        {
            _orphans.Writer.TryWrite(new Orphan(cookie, session.Identity.Username, session.Key));
        }
    }

    private sealed record Orphan(string Cookie, string User, SessionKey Session);

    [LoggerMessage(
        EventId = 5011,
        EventName = "OrphanedSessionEnded",
        Level = LogLevel.Information,
        Message = "Ended Paperless's session of {User} after session {Session}")]
    private partial void OrphanedSessionEnded(string user, SessionKey session);
}
