using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Tracing;

namespace Gateway.Paperless;

/// <summary>Ends Paperless's session at Paperless; without the logout the session would stay valid for weeks.</summary>
internal sealed partial class PaperlessSessionLogout(
    PaperlessSettings settings,
    UpstreamClient paperless,
    PaperlessCookies cookies,
    ILogger<PaperlessSessionLogout> logger)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

    /// <returns>Whether Paperless has ended the session, or there was none.</returns>
    public Task<bool> EndAsync(HttpContext context, Session? session) =>
        cookies.ReadPaperlessSession(context.Request, session) is { } value ? EndAsync(value, context.TraceId()) : Task.FromResult(true);

    /// <param name="value">The value of Paperless's session cookie, without its tag.</param>
    /// <param name="traceId">The trace id for the log.</param>
    /// <returns>Whether Paperless has ended the session, or there was none.</returns>
    public async Task<bool> EndAsync(string value, string traceId)
    {
        UpstreamRequest request = new(HttpMethod.Get, "/accounts/logout/", AnswerTimeout)
        {
            // Without the user header, because any request with that header signs in again.
            Headers = [("Cookie", $"{settings.SessionCookie}={value}")],
        };
        try
        {
            UpstreamResponse response = await paperless.AskAsync(request, CancellationToken.None);
            if ((int)response.Status < 400)
            {
                return true;
            }

            PaperlessSessionNotEnded($"it answered {(int)response.Status}", traceId);
        }
        catch (UpstreamUnavailableException unavailable)
        {
            PaperlessSessionNotEnded(unavailable.Message, traceId);
        }

        return false;
    }

    [LoggerMessage(
        EventId = 5010,
        EventName = "PaperlessSessionNotEnded",
        Level = LogLevel.Warning,
        Message = "Paperless did not end its own session ({Reason}). The session stays valid in Paperless until it expires, but the gateway refuses "
            + "its cookie; trace id {TraceId}")]
    private partial void PaperlessSessionNotEnded(string reason, string traceId);
}
