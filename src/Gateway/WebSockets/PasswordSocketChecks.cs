using Gateway.Background;
using Gateway.PasswordSessions;

namespace Gateway.WebSockets;

/// <summary>Asks again, each minute, after the local sessions that hold a WebSocket open: no request of theirs need come by.</summary>
internal sealed class PasswordSocketChecks(
    OpenSockets sockets,
    PasswordSessionRegistry locals,
    TimeProvider time,
    ILogger<PasswordSocketChecks> logger) : BackgroundService
{
    /// <summary>How often it looks; each session is asked about when the minute for which it is remembered is over.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Checking the WebSockets of people with a Paperless password", time, logger)
            .RunPeriodicallyAsync(LookEvery, CheckAsync, stoppingToken);

    private async Task CheckAsync(CancellationToken cancel)
    {
        int unanswered = 0;
        foreach (string cookie in sockets.PasswordSessionCookies)
        {
            // One may be a fault about one user. Two in a row are an outage: it closes nothing, and each further question would wait as long.
            unanswered = (await locals.FindAsync(cookie, cancel)).Answer == PasswordSessionStatus.Unknown ? unanswered + 1 : 0;
            if (unanswered == 2)
            {
                return;
            }
        }
    }
}
