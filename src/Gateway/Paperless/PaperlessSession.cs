using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Paperless;

/// <summary>Ends Paperless's own session on the server's side, which otherwise lives on for weeks whatever the browser forgets.</summary>
internal sealed partial class PaperlessSession(GatewaySettings settings, UpstreamClient paperless, PaperlessCookies cookies, ILogger<PaperlessSession> logger)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

    /// <returns>Whether there is none any more, as far as Paperless says.</returns>
    public Task<bool> EndAsync(HttpContext context, Session? session) =>
        cookies.PaperlessSession(context.Request, session) is { } value ? EndAsync(value, context.TraceIdentifier) : Task.FromResult(true);

    /// <param name="value">The value of Paperless's session cookie, unbound.</param>
    /// <param name="traceId">What the log names it by.</param>
    /// <returns>Whether there is none any more, as far as Paperless says.</returns>
    public async Task<bool> EndAsync(string value, string traceId)
    {
        UpstreamQuestion question = new(HttpMethod.Get, "/accounts/logout/", AnswerTimeout)
        {
            // Without the user header: any request with it signs in again.
            Headers = [("Cookie", $"{settings.Paperless.SessionCookie}={value}")],
        };
        try
        {
            UpstreamAnswer answer = await paperless.AskAsync(question, CancellationToken.None);
            if ((int)answer.Status < 400)
            {
                return true;
            }

            NotEnded($"it answered {(int)answer.Status}", traceId);
        }
        catch (UpstreamUnavailableException unavailable)
        {
            NotEnded(unavailable.Message, traceId);
        }

        return false;
    }

    [LoggerMessage(
        EventId = 5010,
        EventName = "PaperlessSessionNotEnded",
        Level = LogLevel.Warning,
        Message = "Paperless's own session could not be ended ({Reason}); the browser's cookie is gone all the same; trace id {TraceId}")]
    private partial void NotEnded(string reason, string traceId);
}
