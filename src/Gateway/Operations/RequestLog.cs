using System.Diagnostics;
using Gateway.Pages;
using Gateway.Proxy;
using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>The outermost layer: one line a request while the log wants it, and an answer for every exception.</summary>
internal sealed partial class RequestLog(RequestDelegate next, PageWriter pages, ILogger<AccessLog> access, ILogger<RequestLog> logger)
{
    public Task InvokeAsync(HttpContext context) => access.IsEnabled(LogLevel.Information) ? LoggedAsync(context) : GuardedAsync(context);

    private async Task LoggedAsync(HttpContext context)
    {
        long startedAt = Stopwatch.GetTimestamp();
        UpstreamTiming upstream = new();
        context.Features.Set(upstream);

        // Read before the pipeline changes it for what is forwarded.
        string path = context.Request.PathForLogs();
        try
        {
            await GuardedAsync(context);
        }
        finally
        {
            double elapsed = Math.Round(Stopwatch.GetElapsedTime(startedAt).TotalMilliseconds, 1);
            string? user = context.Session()?.Identity.Username ?? context.LocalSession()?.Username;
            Request(access, context.Request.Method, path, context.Response.StatusCode, elapsed, user, upstream.Milliseconds, context.TraceIdentifier);
        }
    }

    private async Task GuardedAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The browser went away; there is nobody to tell, and a status that is on its way cannot be changed.
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            }
        }
        catch (BadHttpRequestException bad) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            await pages.RefuseAsync(context, new Refusal(bad.StatusCode, "bad_request", "This request is not complete", bad.Message));
        }
        catch (StoreUnavailableException away) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            await pages.RefuseAsync(context, StoreAway.Refusal(context, away.Message));
        }
        catch (Exception error)
        {
            Failed(logger, error, context.TraceIdentifier);
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Clear();
            await PageWriter.WriteAsync(context, new Refusal(500, "internal_error", "Something went wrong", "The gateway made a mistake.")
            {
                Remedy = "Try again. If it stays, the operator finds the reason in the log under the trace id.",
            });
        }
    }

    [LoggerMessage(EventId = 7001, EventName = "Request", Level = LogLevel.Information, Message = "{Method} {Path} {Status} in {Ms} ms, user {User}, upstream {UpstreamMs} ms, trace id {TraceId}")]
    private static partial void Request(ILogger access, string method, string path, int status, double ms, string? user, double? upstreamMs, string traceId);

    [LoggerMessage(EventId = 7002, EventName = "RequestFailed", Level = LogLevel.Error, Message = "A request failed inside the gateway; trace id {TraceId}")]
    private static partial void Failed(ILogger logger, Exception error, string traceId);
}
