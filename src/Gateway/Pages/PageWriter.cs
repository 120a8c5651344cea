using System.Globalization;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Gateway.Tracing;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Pages;

/// <summary>Writes all pages and refusals of the gateway. They share a frame and headers, are not cached, and cannot be embedded in a frame.</summary>
internal sealed partial class PageWriter(RefusalMetrics metrics, RecentRefusals recent, ILogger<SecurityLog> logger)
{
    /// <summary>The request headers that decide between page and problem details, and on the language.</summary>
    private const string Variants = "Accept, Accept-Language, Sec-Fetch-Mode, Cookie";

    /// <remarks>Does not use `RazorComponentResult`, which reads the host and the form of the request and fails if they are invalid.</remarks>
    public static async Task ShowAsync<TPage>(HttpContext context, int status, Dictionary<string, object?> parameters, string formAction = "'self'")
        where TPage : IComponent
    {
        IServiceProvider services = context.RequestServices;
        await using HtmlRenderer renderer = new(services, services.GetRequiredService<ILoggerFactory>());
        CultureInfo language = PageLanguage.Use(context);
        string page = await renderer.Dispatcher
            .InvokeAsync(async () => (await renderer.RenderComponentAsync<TPage>(ParameterView.FromDictionary(parameters))).ToHtmlString());
        byte[] bytes = Encoding.UTF8.GetBytes(page);
        HttpResponse response = context.Response;
        SetHeaders(response, language, formAction);
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    /// <summary>Writes the content of a page as JSON, for programs.</summary>
    public static Task WriteJsonAsync<T>(HttpContext context, T view, JsonTypeInfo<T> type)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.Vary = "Accept, Cookie";
        return context.Response.WriteAsJsonAsync(view, type);
    }

    /// <summary>After a form: the browser requests the address with GET, and a reload sends no form again.</summary>
    public static void SeeOther(HttpResponse response, string address)
    {
        response.Headers.CacheControl = "no-store";
        response.StatusCode = StatusCodes.Status303SeeOther;
        response.Headers.Location = address;
    }

    public Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        Log(context, refusal);
        return WriteAsync(context, refusal);
    }

    /// <summary>Logs and counts a refusal that the caller answers with another page.</summary>
    public void Log(HttpContext context, Refusal refusal)
    {
        metrics.Refused(refusal);
        string path = context.Request.PathForLogs();
        string traceId = context.TraceId();
        recent.Add(context, refusal, path, traceId);
        Refused(refusal.Level, refusal.Status, refusal.Code, context.Request.Method, path, refusal.Reason, traceId);
    }

    /// <summary>Writes a refusal that is already logged.</summary>
    public static Task WriteAsync(HttpContext context, Refusal refusal)
    {
        if (refusal.RetryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (!context.Request.IsNavigation())
        {
            return WriteProblemAsync(context, refusal);
        }

        string? retryAddress = FindRetryAddress(context, refusal);
        if (retryAddress is not null)
        {
            context.Response.Headers["Refresh"] = string.Create(
                CultureInfo.InvariantCulture,
                $"{refusal.RetryAfter}{(refusal.RetryAt is null ? "" : $"; url={refusal.RetryAt}")}");
        }

        return ShowAsync<RefusalPage>(context, refusal.Status, new()
        {
            [nameof(RefusalPage.Refusal)] = refusal,
            [nameof(RefusalPage.RetryAddress)] = retryAddress,
            [nameof(RefusalPage.TraceId)] = context.TraceId(),
        });
    }

    /// <summary>Where the page tries again, by itself and by its button, always with GET.</summary>
    /// <returns>Null where it does not wait, or where only the form that was sent could be sent again: a page does not do that.</returns>
    private static string? FindRetryAddress(HttpContext context, Refusal refusal)
    {
        if (refusal.RetryAfter is null)
        {
            return null;
        }

        return refusal.RetryAt ?? (HttpMethods.IsGet(context.Request.Method) ? PathAndQuery(context) : null);
    }

    /// <summary>As the browser sent it. "//host" and "/\host" would lead the browser to another site.</summary>
    private static string PathAndQuery(HttpContext context)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        bool isPath = target.StartsWith('/') && !(target.Length > 1 && target[1] is '/' or '\\');
        return isPath ? target : context.Request.PathBase + "/";
    }

    /// <summary>Writes problem details (RFC 9457).</summary>
    private static async Task WriteProblemAsync(HttpContext context, Refusal refusal)
    {
        CultureInfo language = PageLanguage.Use(context);
        Texts texts = context.RequestServices.GetRequiredService<Texts>();
        context.Response.Headers.ContentLanguage = language.Name;
        context.Response.Headers.Append("Vary", Variants);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await TypedResults.Problem(
            title: texts[refusal.Title],
            detail: texts[refusal.DetailAndRemedy],
            statusCode: refusal.Status,
            type: "about:blank",
            extensions: Extensions(context, refusal))
            .ExecuteAsync(context);
    }

    private static Dictionary<string, object?> Extensions(HttpContext context, Refusal refusal)
    {
        Dictionary<string, object?> extensions = new() { ["code"] = refusal.Code };
        if (refusal.ForTheOperator is { } operators)
        {
            extensions["operator"] = operators;
        }

        extensions["traceId"] = context.TraceId();
        return extensions;
    }

    private static void SetHeaders(HttpResponse response, CultureInfo language, string formAction)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {formAction}; base-uri 'none'; frame-ancestors 'none'";
        response.Headers.XFrameOptions = "DENY";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "same-origin";
        response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
        response.Headers.ContentLanguage = language.Name;
        response.Headers.Vary = Variants;
    }

    [LoggerMessage(EventId = 4001, EventName = "Refused", Message = "Refused with {Status} ({Code}): {Method} {Path}: {Reason}; trace id {TraceId}")]
    private partial void Refused(LogLevel level, int status, string code, string method, string path, string reason, string traceId);
}
