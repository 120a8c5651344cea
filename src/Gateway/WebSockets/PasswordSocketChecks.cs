using Gateway.Background;
using Gateway.PasswordSessions;

namespace Gateway.WebSockets;

/// <summary>Checks password sessions with an open WebSocket once a minute, because they may send no other request.</summary>
internal sealed class PasswordSocketChecks(
    OpenSockets sockets,
    PasswordSessionRegistry passwordSessions,
    TimeProvider time,
    ILogger<PasswordSocketChecks> logger) : BackgroundService
{
    /// <summary>Each check asks Paperless only where the cached answer has expired.</summary>
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Checking the WebSockets of people with a Paperless password", time, logger)
            .RunPeriodicallyAsync(CheckInterval, CheckAsync, stoppingToken);

    private async Task CheckAsync(CancellationToken cancel)
    {
        int unanswered = 0;
        foreach (string cookie in sockets.PasswordSessionCookies)
        {
            // One missing answer may concern one user. Two in a row are an outage: no WebSocket is closed, and further checks would only wait.
            unanswered = (await passwordSessions.FindAsync(cookie, cancel)).Status == PasswordSessionStatus.Unknown ? unanswered + 1 : 0;
            if (unanswered == 2)
            {
                return;
            }
        }
    }
}
