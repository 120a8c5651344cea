using System.Diagnostics;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tracing;
using Microsoft.AspNetCore.Connections;

namespace Gateway.Operations;

/// <summary>The outermost middleware: logs a line for each request, and answers every exception.</summary>
internal sealed partial class RequestLog(RequestDelegate next, RequestTracing tracing, PageWriter pages, RequestLine line, ILogger<RequestLog> logger)
{
    private static readonly Refusal InternalError = new(500, "internal_error", "Something went wrong", "An error happened inside the gateway.")
    {
        Remedy = "Try again. If the error persists, ask the person who runs Paperless.",
        ForTheOperator = "The log has the reason under the trace id.",
    };

    /// <summary>A single method, because each nested async method would allocate a state machine for every request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        LoggedRequest logged = LoggedRequest.Begin(context, RequestId.Keep(context));
        using Activity? span = tracing.Begin(context);
        long startedAt = 0;
        string? path = null;
        UpstreamTiming? upstream = null;
        if (line.IsOn)
        {
            startedAt = Stopwatch.GetTimestamp();
            context.Features.Set<UpstreamTiming>(upstream = new());

            // Read before the pipeline changes the path for forwarding.
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
                string? user = (context.Session() ?? context.Features.Get<DeviceRequest>()?.Session)?.Identity.Username
                    ?? context.Features.Get<BearerIdentity>()?.Identity.Username ?? context.PasswordSession()?.Username;
                line.Write(context.Request.Method, path, context.Response.StatusCode, elapsed, user, upstream!.Milliseconds, context.TraceId());
            }

            if (span is not null)
            {
                RequestTracing.End(context, span);
            }

            logged.End();
        }
    }

    /// <summary>Never throws: an exception here would not be logged and would close the connection.</summary>
    private async Task AnswerAsync(HttpContext context, Exception error)
    {
        if (IsClientDisconnect(context, error))
        {
            // The client has gone. The status is set for the log only, unless it has been sent already.
            context.CloseAfterAnswer();
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            }

            return;
        }

        try
        {
            await RefuseAsync(context, error);
        }
        catch (Exception second)
        {
            if (!IsClientDisconnect(context, second))
            {
                AnswerFailed(logger, second, context.TraceId());
                await WritePlainTextAsync(context);
            }
        }
    }

    private async Task RefuseAsync(HttpContext context, Exception error)
    {
        Refusal? refusal = FindRefusal(context, error);
        if (refusal is null)
        {
            Failed(logger, error, context.TraceId());
        }

        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Clear();
        if (error is IOException)
        {
            context.CloseAfterAnswer();
        }

        await (refusal is null ? PageWriter.WriteAsync(context, InternalError) : pages.RefuseAsync(context, refusal));
    }

    /// <summary>The refusal for an exception; null if the exception is a defect of the gateway.</summary>
    private static Refusal? FindRefusal(HttpContext context, Exception error)
    {
        if (context.Response.HasStarted)
        {
            return null;
        }

        return error switch
        {
            BadHttpRequestException bad => Incomplete(bad.StatusCode, PageText.Verbatim(bad.Message)),
            IOException broken when RequestForm.IsBadRequest(broken) => Incomplete(StatusCodes.Status400BadRequest, "The body's chunks are broken."),
            StoreUnavailableException unavailable => StoreUnavailableRefusal.Create(context, unavailable.Message),
            _ => null,
        };
    }

    private static Refusal Incomplete(int status, PageText detail) => new(status, "bad_request", "This request is not complete", detail);

    /// <summary>Over HTTP/2 an aborted body is an <see cref="IOException"/> of Kestrel, which may come before the request is marked as aborted.</summary>
    private static bool IsClientDisconnect(HttpContext context, Exception error)
    {
        if (error is ConnectionResetException or ConnectionAbortedException
            || error is IOException { InnerException: ConnectionAbortedException or ConnectionResetException })
        {
            return true;
        }

        return error is OperationCanceledException or (IOException and not BadHttpRequestException) && context.RequestAborted.IsCancellationRequested;
    }

    /// <summary>The last resort: uses nothing that may just have failed.</summary>
    private static async Task WritePlainTextAsync(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        try
        {
            context.Response.Clear();
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            context.Response.ContentType = "text/plain; charset=utf-8";
            context.Response.Headers.CacheControl = "no-store";
            await context.Response.WriteAsync($"{InternalError.Title}. {InternalError.Detail} Trace id {context.TraceId()}");
        }
        catch (Exception third) when (third is IOException or OperationCanceledException or InvalidOperationException)
        {
            context.Abort();
        }
    }

    [LoggerMessage(EventId = 7002, EventName = "RequestFailed", Level = LogLevel.Error, Message = "A request failed inside the gateway; trace id {TraceId}")]
    private static partial void Failed(ILogger logger, Exception error, string traceId);

    [LoggerMessage(
        EventId = 7003,
        EventName = "AnswerFailed",
        Level = LogLevel.Error,
        Message = "The answer to a request could not be written; trace id {TraceId}")]
    private static partial void AnswerFailed(ILogger logger, Exception error, string traceId);
}
