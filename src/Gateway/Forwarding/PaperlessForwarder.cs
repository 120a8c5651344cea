using Gateway.Access;
using Gateway.Paperless;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Gateway.Forwarding;

/// <summary>Times of the forwarding; a record of its own so that tests need not wait.</summary>
/// <param name="Answer">How long Paperless may be silent before and within an answer; a bulk download is made in silence.</param>
internal sealed record ForwardingTimes(TimeSpan Answer)
{
    public static readonly ForwardingTimes Default = new(TimeSpan.FromMinutes(5));
}

/// <summary>One request to one replica of Paperless, and to another where the first cannot be reached.</summary>
internal sealed partial class PaperlessForwarder(
    Upstreams upstreams,
    IHttpForwarder forwarder,
    AccessRefusals refusals,
    ForwardingTimes times,
    ILogger<PaperlessForwarder> logger)
{
    private readonly ForwarderRequestConfig _ordinary = new()
    {
        ActivityTimeout = times.Answer,
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>An idle live status is no failure: its WebSocket ends with the session, or at this end of a day.</summary>
    private readonly ForwarderRequestConfig _socket = new()
    {
        ActivityTimeout = TimeSpan.FromDays(1),
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    public Task ForwardAsync(HttpContext context, HttpTransformer transformer)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true })
        {
            // An offer of another protocol, which the answer may pass over; YARP would pass one on to SPDY.
            context.Features.Set<IHttpUpgradeFeature>(null);
        }

        return ForwardAsync(context, transformer, _ordinary, CancellationToken.None);
    }

    /// <param name="unanswered">Ends the wait for Paperless's answer, and no more once it is there.</param>
    public Task ForwardSocketAsync(HttpContext context, HttpTransformer transformer, CancellationToken unanswered) =>
        ForwardAsync(context, transformer, _socket, unanswered);

    private async Task ForwardAsync(HttpContext context, HttpTransformer transformer, ForwarderRequestConfig config, CancellationToken unanswered)
    {
        context.Features.Get<UpstreamTiming>()?.Sent();
        DestinationState? failed = null;
        while (upstreams.TryPick(failed, out DestinationState? destination))
        {
            ForwarderError error = await forwarder.SendAsync(context, destination.Model.Config.Address, upstreams.Client, config, transformer, unanswered);
            if (error == ForwarderError.None || context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            Exception? cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
            ForwardingFailed(destination.DestinationId, error, cause?.GetType().Name, context.TraceIdentifier);
            if (context.Response.HasStarted)
            {
                return;
            }

            bool unreachable = error == ForwarderError.Request || (error == ForwarderError.RequestTimedOut && Upstreams.IsConnectTimeout(cause));
            if (unreachable)
            {
                upstreams.ReportFailure(destination);
            }

            if (failed is not null || !unreachable || !CanBeSentAgain(context.Request))
            {
                await refusals.RefuseUnreachablePaperlessAsync(context, error);
                return;
            }

            failed = destination;
            context.Response.Clear();
        }

        await refusals.RefuseUnreachablePaperlessAsync(context, ForwarderError.NoAvailableDestinations);
    }

    /// <summary>Only what changes nothing and has no body: the replica may have taken it before the connection broke.</summary>
    private static bool CanBeSentAgain(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && request.ContentLength is null or 0;

    [LoggerMessage(
        EventId = 5001,
        EventName = "ForwardingFailed",
        Level = LogLevel.Warning,
        Message = "Forwarding to {Upstream} failed: {Error} ({Cause}); trace id {TraceId}")]
    private partial void ForwardingFailed(string upstream, ForwarderError error, string? cause, string traceId);
}
