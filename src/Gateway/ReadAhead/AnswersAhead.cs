using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.ReadAhead;

/// <summary>Sends a request that stands for one of a page to Paperless.</summary>
/// <returns>False where Paperless gave no complete answer.</returns>
internal delegate Task<bool> AskPaperless(HttpContext ahead, HttpTransformer transformer, CancellationToken cancel);

/// <summary>
/// When somebody opens a page of Paperless's interface, the gateway asks Paperless for what the page asked for last time, and holds each answer for the
/// same request of the same session: once, and for two seconds. Whatever may have changed something at Paperless meanwhile discards the answer.
/// </summary>
/// <remarks>The caller has decided on the request: an answer is given only where the request would be forwarded.</remarks>
internal sealed partial class AnswersAhead(
    GatewaySettings settings,
    ReadAheadLimits limits,
    RememberedPages remembered,
    OpenedPages pages,
    PaperlessCookies cookies,
    PaperlessChanges changes,
    ReadAheadMetrics metrics,
    TimeProvider time,
    ILogger<AnswersAhead> logger) : IDisposable
{
    private const string Api = "/api/";
    private const int MaxTargetLength = 1024;
    private const int MaxAcceptLength = 200;
    private const int MaxPathLength = 100;

    /// <summary>No page of the interface is below these.</summary>
    private static readonly string[] OtherPages = [Api, "/admin/", "/accounts/", "/share/", "/static/"];

    private readonly bool _isOn = settings.ReadAhead;
    private readonly SemaphoreSlim _slots = new(limits.Concurrent, limits.Concurrent);

    /// <summary>Whether the request may open a page of the interface.</summary>
    public bool MayOpenPage(HttpRequest request) =>
        _isOn && HttpMethods.IsGet(request.Method) && request.IsNavigation() && !request.IsPrefetch() && request.Path.Value is { } path
        && !OtherPages.Any(other => path.StartsWith(other, StringComparison.Ordinal));

    /// <summary>The page of the session to which the request belongs; null for other requests.</summary>
    public OpenedPage? FindPage(HttpRequest request, Session session) =>
        _isOn && HttpMethods.IsGet(request.Method) && request.Path.Value!.StartsWith(Api, StringComparison.Ordinal) ? pages.Find(session) : null;

    /// <summary>Answers the request of a page with the answer that was asked for ahead.</summary>
    /// <param name="position">The requests that the page had sent before.</param>
    /// <returns>False where the caller must forward the request.</returns>
    public async Task<bool> TryAnswerAsync(HttpContext context, OpenedPage page, int position)
    {
        if (TargetOf(context.Request) is { } target && page.TakePreload(target, context.Request.Headers.Accept.ToString()) is { } preload)
        {
            context.Request.Headers.Accept = preload.Accept;
        }

        if (FindAnswer(context.Request, page) is not { } ahead || !ahead.TryTake())
        {
            return false;
        }

        HeldAnswer? held;
        try
        {
            held = await ahead.Answer.WaitAsync(limits.Lifetime, time, context.RequestAborted);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            metrics.Discarded();
            _ = ReleaseLaterAsync(ahead);
            context.RequestAborted.ThrowIfCancellationRequested();
            return false;
        }

        if (held is null)
        {
            metrics.Unused();
            page.Remembered.NoteUnused(ahead.Request);
            return false;
        }

        pages.Memory.Give(held.Body.Length);
        if (page.Closed.IsCancellationRequested || changes.Moment != ahead.Moment || time.GetElapsedTime(held.AnsweredAt) > limits.Lifetime)
        {
            metrics.Discarded();
            return false;
        }

        metrics.Used();
        page.Remembered.NoteUsed(ahead.Request, position);
        page.NoteAsked(ahead.Request);
        await held.WriteAsync(context);
        return true;
    }

    /// <summary>Remembers a request of a page that Paperless has answered.</summary>
    public void Note(HttpContext context, OpenedPage page, int position)
    {
        if (!page.Closed.IsCancellationRequested && HoldableAnswer.WasForwarded(context.Response, limits.MaxAnswerBytes)
            && TargetOf(context.Request) is { } target && IsPlain(context.Request))
        {
            PageRequest request = new(target, context.Request.Headers.Accept.ToString());
            page.Remembered.NoteRequest(request, position);
            page.NoteAsked(request);
        }
    }

    /// <summary>
    /// Notes that Paperless has answered a navigation. Tells the browser what the script will ask for, and asks Paperless once the page is sent: the page
    /// comes first.
    /// </summary>
    /// <param name="session">The session whose user the navigation named.</param>
    /// <param name="transformer">As for the page's own requests.</param>
    public void Open(HttpContext context, Session session, HttpTransformer transformer, AskPaperless ask)
    {
        HttpResponse response = context.Response;
        string path = context.Request.PathForLogs();
        if (response.StatusCode != StatusCodes.Status200OK
            || response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) != true
            || context.RequestAborted.IsCancellationRequested || path.Length > MaxPathLength || !IsPlain(context.Request)
            || BrowserCookies.After(context.Request.Headers.Cookie, response.Headers.SetCookie, time.GetUtcNow()) is not { } cookie)
        {
            return;
        }

        RememberedPerson person = remembered.Of(session.Identity.Username);
        RememberedPage known = person.Page(path);
        IReadOnlyList<PageRequest> preloads = known.IsTimeToLearn ? [] : person.StartRequests(context.Request.Headers.UserAgent.ToString());
        OpenedPage page = new(session, person, known, new AheadRequest(context, cookie), time.GetTimestamp(), known.Open(), preloads);
        pages.Add(page);
        foreach (PageRequest preload in preloads)
        {
            response.Headers.Append("Link", $"<{preload.Target}>; rel=preload; as=fetch; crossorigin");
        }

        response.OnCompleted(() =>
        {
            // The questions belong to no single request, so the context and the trace of this request stay out of the task.
            using AsyncFlowControl suppressed = ExecutionContext.SuppressFlow();
            _ = Task.Run(() => AskAllAsync(page, transformer, ask));
            return Task.CompletedTask;
        });
    }

    public void Dispose() => _slots.Dispose();

    private AheadAnswer? FindAnswer(HttpRequest request, OpenedPage page)
    {
        if (page.Answers.Count == 0 || TargetOf(request) is not { } target || page.Find(target) is not { } ahead)
        {
            return null;
        }

        IHeaderDictionary headers = request.Headers;
        return IsPlain(request) && headers.Accept == ahead.Request.Accept && page.Request.HasSameHeaders(headers)
            && BrowserCookies.AreSame(cookies.ForPaperless(headers.Cookie, page.Session), cookies.ForPaperless(page.Request.Cookie, page.Session))
            ? ahead
            : null;
    }

    /// <summary>Whether the answer depends on nothing but what is compared.</summary>
    private static bool IsPlain(HttpRequest request)
    {
        IHeaderDictionary headers = request.Headers;
        return headers.IfNoneMatch.Count + headers.IfModifiedSince.Count + headers.IfMatch.Count + headers.IfUnmodifiedSince.Count + headers.Range.Count
                + headers.Origin.Count + headers.Authorization.Count == 0
            && request.ContentLength is null or 0
            && headers.Accept is { Count: <= 1 } accept && accept.ToString().Length <= MaxAcceptLength
            && !headers.CacheControl.ToString().Contains("no-cache", StringComparison.OrdinalIgnoreCase)
            && !headers.Pragma.ToString().Contains("no-cache", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The target as it was sent; null where it has escapes in its path, or is too long to be remembered.</summary>
    private static string? TargetOf(HttpRequest request)
    {
        string target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        int pathLength = (request.PathBase.Value?.Length ?? 0) + request.Path.Value!.Length;
        return target.Length <= MaxTargetLength && target.Length == pathLength + (request.QueryString.Value?.Length ?? 0)
            && target.AsSpan(0, pathLength).EndsWith(request.Path.Value, StringComparison.Ordinal)
            && !target.AsSpan().ContainsAny('<', '>', '"')
            ? target
            : null;
    }

    private async Task AskAllAsync(OpenedPage page, HttpTransformer transformer, AskPaperless ask)
    {
        try
        {
            ParallelOptions options = new() { MaxDegreeOfParallelism = limits.ConcurrentPerPage, CancellationToken = page.Closed };
            await Parallel.ForEachAsync(page.Answers, options, (ahead, _) => AskInTurnAsync(page, ahead, transformer, ask));
            await Task.Delay(limits.Lifetime, time, page.Closed);
        }
        catch (OperationCanceledException)
        {
            // The session opened another page, or has ended.
        }
        catch (Exception error)
        {
            ReadAheadFailed(error);
        }
        finally
        {
            // Not within the call that closes the page.
            await Task.Yield();
            await pages.RemoveAsync(page);
            page.Dispose();
        }
    }

    private async ValueTask AskInTurnAsync(OpenedPage page, AheadAnswer ahead, HttpTransformer transformer, AskPaperless ask)
    {
        await _slots.WaitAsync(page.Closed);
        try
        {
            // Later than that, the page has asked already. No answer from within a change is of use.
            if (time.GetElapsedTime(page.OpenedAt) <= limits.Lifetime && changes.Moment is { } moment && ahead.TryAsk())
            {
                ahead.Moment = moment;
                await AskAsync(page, ahead, transformer, ask);
            }
        }
        finally
        {
            ahead.Finish(null);
            _slots.Release();
        }
    }

    private async Task AskAsync(OpenedPage page, AheadAnswer ahead, HttpTransformer transformer, AskPaperless ask)
    {
        using CancellationTokenSource late = new(2 * limits.Lifetime, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, page.Closed);
        HttpContext context = page.Request.CreateContext(ahead.Request);
        HoldingTransformer holding = new(transformer, pages.Memory, limits.MaxAnswerBytes);
        bool isComplete = false;
        try
        {
            isComplete = await ask(context, holding, either.Token) && holding.Body is not null;
            if (isComplete)
            {
                KeyValuePair<string, StringValues>[] headers = [.. context.Response.Headers];
                ahead.Finish(new HeldAnswer(headers, holding.Body!, time.GetTimestamp()));
            }
        }
        finally
        {
            if (!isComplete)
            {
                pages.Memory.Give(holding.Body?.Length ?? 0);
            }
        }
    }

    /// <summary>The answer that nobody waits for any more gives its memory back.</summary>
    private async Task ReleaseLaterAsync(AheadAnswer ahead) => pages.Memory.Give((await ahead.Answer)?.Body.Length ?? 0);

    [LoggerMessage(
        EventId = 5060,
        EventName = "ReadAheadFailed",
        Level = LogLevel.Error,
        Message = "Asking Paperless ahead of a page failed inside the gateway. The page's own requests are forwarded as usual")]
    private partial void ReadAheadFailed(Exception error);
}
