using System.Diagnostics;
using Gateway.Pages;
using Gateway.Proxy;
using Gateway.Sessions;
using Gateway.Storage;
using Microsoft.AspNetCore.Connections;

namespace Gateway.Operations;

/// <summary>The outermost layer: one line a request while the log wants it, and an answer for every exception.</summary>
internal sealed partial class RequestLog(RequestDelegate next, PageWriter pages, RequestLine line, ILogger<RequestLog> logger)
{
    /// <summary>One method, and not one around another: each would be a state machine of its own for every request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        long startedAt = 0;
        string? path = null;
        UpstreamTiming? upstream = null;
        if (line.IsOn)
        {
            startedAt = Stopwatch.GetTimestamp();
            context.Features.Set(upstream = new UpstreamTiming());

            // Read before the pipeline changes it for what is forwarded.
            path = context.Request.PathForLogs();
        }

        try
        {
            await next(context);
        }
        catch (Exception error)
        {
            await AnswerAsync(context, error);
        }
        finally
        {
            if (path is not null)
            {
                double elapsed = Math.Round(Stopwatch.GetElapsedTime(startedAt).TotalMilliseconds, 1);
                string? user = context.Session()?.Identity.Username ?? context.LocalSession()?.Username;
                line.Write(context.Request.Method, path, context.Response.StatusCode, elapsed, user, upstream!.Milliseconds, context.TraceIdentifier);
            }
        }
    }

    private async Task AnswerAsync(HttpContext context, Exception error)
    {
        bool begun = context.Response.HasStarted;
        switch (error)
        {
            case Exception when IsClientGone(context, error):
                // The browser went away; there is nobody to tell, and a status that is on its way cannot be changed.
                if (!begun)
                {
                    context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
                }

                break;

            case BadHttpRequestException bad when !begun:
                context.Response.Clear();
                await pages.RefuseAsync(context, new Refusal(bad.StatusCode, "bad_request", "This request is not complete", bad.Message));
                break;

            case StoreUnavailableException away when !begun:
                context.Response.Clear();
                await pages.RefuseAsync(context, StoreAway.Refusal(context, away.Message));
                break;

            default:
                Failed(logger, error, context.TraceIdentifier);
                if (begun)
                {
                    context.Abort();
                    break;
                }

                context.Response.Clear();
                await PageWriter.WriteAsync(context, new Refusal(500, "internal_error", "Something went wrong", "The gateway made a mistake.")
                {
                    Remedy = "Try again. If it stays, the operator finds the reason in the log under the trace id.",
                });
                break;
        }
    }

    /// <summary>Over HTTP/2 a body that breaks off is an <see cref="IOException"/> of Kestrel's, which may come before the request counts as aborted.</summary>
    private static bool IsClientGone(HttpContext context, Exception error)
    {
        if (IsOfTheConnection(error) || (error is IOException { InnerException: { } inner } && IsOfTheConnection(inner)))
        {
            return true;
        }

        return error is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested;
    }

    private static bool IsOfTheConnection(Exception error) => error is ConnectionResetException or ConnectionAbortedException;

    [LoggerMessage(EventId = 7002, EventName = "RequestFailed", Level = LogLevel.Error, Message = "A request failed inside the gateway; trace id {TraceId}")]
    private static partial void Failed(ILogger logger, Exception error, string traceId);
}
