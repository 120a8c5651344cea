using Gateway.Access;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Tracing;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Gateway.Forwarding;

/// <summary>Timeouts of forwarded requests; tests set shorter ones.</summary>
/// <param name="Response">How long Paperless may be silent before and during a response; Paperless prepares a bulk download in silence.</param>
internal sealed record ForwardingTimeouts(TimeSpan Response)
{
    public static readonly ForwardingTimeouts Default = new(TimeSpan.FromMinutes(5));
}

/// <summary>Forwards a request to one replica of Paperless, and to another replica where the first is unreachable.</summary>
internal sealed partial class PaperlessForwarder(
    Upstreams upstreams,
    IHttpForwarder forwarder,
    AccessRefusals refusals,
    PaperlessChanges changes,
    ForwardingTimeouts timeouts,
    ILogger<PaperlessForwarder> logger)
{
    private readonly ForwarderRequestConfig _requestConfig = new()
    {
        ActivityTimeout = timeouts.Response,
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>An idle WebSocket is no failure: Paperless's live status is silent for hours. The session ends the WebSocket earlier.</summary>
    private readonly ForwarderRequestConfig _socketConfig = new()
    {
        ActivityTimeout = TimeSpan.FromDays(1),
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    public Task ForwardAsync(HttpContext context, HttpTransformer transformer)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true })
        {
            // The gateway ignores an offered upgrade to another protocol, as RFC 9110, section 7.8 allows; YARP would forward an upgrade to SPDY.
            context.Features.Set<IHttpUpgradeFeature>(null);
        }

        return CrossSiteGuard.IsSafe(context.Request.Method)
            ? ForwardAsync(context, transformer, _requestConfig, CancellationToken.None)
            : ForwardChangeAsync(context, transformer);
    }

    /// <summary>Sends a request that stands for one of a browser, and that nobody waits for: to one replica, once, and without a refusal.</summary>
    /// <returns>False where Paperless gave no complete answer.</returns>
    public async Task<bool> TrySendAsync(HttpContext context, HttpTransformer transformer, CancellationToken cancel) =>
        upstreams.TryPick(except: null, out DestinationState? destination)
        && await forwarder.SendAsync(context, destination.Model.Config.Address, upstreams.Client, _requestConfig, transformer, cancel) == ForwarderError.None;

    /// <param name="responseTimeout">Cancels the wait for Paperless's response; without effect after the response.</param>
    public Task ForwardSocketAsync(HttpContext context, HttpTransformer transformer, CancellationToken responseTimeout) =>
        ForwardAsync(context, transformer, _socketConfig, responseTimeout);

    private async Task ForwardChangeAsync(HttpContext context, HttpTransformer transformer)
    {
        using PaperlessChanges.Change change = changes.Begin();
        await ForwardAsync(context, transformer, _requestConfig, CancellationToken.None);
    }

    private async Task ForwardAsync(HttpContext context, HttpTransformer transformer, ForwarderRequestConfig config, CancellationToken responseTimeout)
    {
        context.Features.Get<UpstreamTiming>()?.MarkSent();
        DestinationState? failed = null;
        while (upstreams.TryPick(failed, out DestinationState? destination))
        {
            ForwarderError error = await forwarder.SendAsync(context, destination.Model.Config.Address, upstreams.Client, config, transformer, responseTimeout);
            if (error == ForwarderError.None || context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            Exception? cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
            ForwardingFailed(destination.DestinationId, error, cause?.GetType().Name, context.TraceId());
            if (context.Response.HasStarted)
            {
                return;
            }

            bool isUnreachable = error == ForwarderError.Request || (error == ForwarderError.RequestTimedOut && Upstreams.IsConnectTimeout(cause));
            if (isUnreachable)
            {
                upstreams.ReportFailure(destination);
            }

            if (failed is not null || !isUnreachable || !CanRetry(context.Request))
            {
                string asked = destination.Model.Config.Address.TrimEnd('/') + context.Request.PathBase + context.Request.PathForLogs();
                await refusals.RefuseUnreachablePaperlessAsync(context, error, asked, cause);
                return;
            }

            failed = destination;
            context.Response.Clear();
        }

        await refusals.RefuseWithoutReplicaAsync(context);
    }

    /// <summary>Only a GET or HEAD without a body: the replica may have processed the request before the connection broke.</summary>
    private static bool CanRetry(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && request.ContentLength is null or 0;

    [LoggerMessage(
        EventId = 5001,
        EventName = "ForwardingFailed",
        Level = LogLevel.Warning,
        Message = "Forwarding to {Upstream} failed: {Error} ({Cause}). Check that Paperless runs and is reachable; trace id {TraceId}")]
    private partial void ForwardingFailed(string upstream, ForwarderError error, string? cause, string traceId);
}
