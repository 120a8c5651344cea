using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Proxy;

/// <summary>Ends Paperless's own session on the server's side, which otherwise lives on for weeks whatever the browser forgets.</summary>
internal sealed partial class PaperlessSession(GatewaySettings settings, Upstreams upstreams, PaperlessCookies cookies, ILogger<PaperlessSession> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <returns>Whether there is none any more, as far as Paperless says.</returns>
    public Task<bool> EndAsync(HttpContext context, Session? session) =>
        cookies.PaperlessSession(context.Request, session) is { } value ? EndAsync(value, context.TraceIdentifier) : Task.FromResult(true);

    /// <param name="value">The value of Paperless's session cookie, unbound.</param>
    /// <param name="traceId">What the log names it by.</param>
    /// <returns>Whether there is none any more, as far as Paperless says.</returns>
    public async Task<bool> EndAsync(string value, string traceId)
    {
        if (!upstreams.TryPick(except: null, out Yarp.ReverseProxy.Model.DestinationState? destination))
        {
            NotEnded("no replica is there", traceId);
            return false;
        }

        // Without the user header: any request with it signs in again.
        using HttpRequestMessage request = destination.Request(HttpMethod.Get, settings, "/accounts/logout/");
        request.Headers.TryAddWithoutValidation("Cookie", $"{settings.Paperless.SessionCookie}={value}");
        using CancellationTokenSource patience = new(Patience);
        try
        {
            using HttpResponseMessage response = await upstreams.Client.SendAsync(request, patience.Token);
            if ((int)response.StatusCode < 400)
            {
                return true;
            }

            NotEnded($"it answered {(int)response.StatusCode}", traceId);
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            NotEnded("it does not answer", traceId);
        }

        return false;
    }

    [LoggerMessage(EventId = 5010, EventName = "PaperlessSessionNotEnded", Level = LogLevel.Warning, Message = "Paperless's own session could not be ended ({Reason}); the browser's cookie is gone all the same; trace id {TraceId}")]
    private partial void NotEnded(string reason, string traceId);
}
