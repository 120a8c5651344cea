using System.Diagnostics;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Tracing;

/// <summary>
/// Begins the span of each request, and reads the trace context that the request brings (W3C Trace Context). A span holds no user, no query, and no
/// key of a share link.
/// </summary>
/// <remarks>
/// Anyone may choose the id of their trace: it gives no access. The flag that asks for recording counts from trusted proxies only, or anyone could
/// have every request recorded. For all others the gateway decides by the sampler, independently of the id.
/// </remarks>
internal sealed class RequestTracing(GatewaySettings settings)
{
    public const string SourceName = "Gateway";

    private const int TraceParentLength = 55;

    private static readonly ActivitySource Source = new(SourceName);

    private readonly TracingSettings _tracing = settings.Tracing;

    /// <returns>Null where tracing is off.</returns>
    public Activity? Begin(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        bool bringsContext = headers.TraceParent.Count > 0 || headers.TraceState.Count > 0 || headers.Baggage.Count > 0;
        ActivityContext parent = bringsContext ? TakeContext(context) : default;
        return _tracing.IsOn ? StartSpan(context, parent) : null;
    }

    public static void End(HttpContext context, Activity span)
    {
        if (span.IsAllDataRequested)
        {
            int status = context.Response.StatusCode;
            span.SetTag("http.response.status_code", status);
            if (status >= StatusCodes.Status500InternalServerError)
            {
                span.SetTag("error.type", status.ToString(System.Globalization.CultureInfo.InvariantCulture));
                span.SetStatus(ActivityStatusCode.Error);
            }
        }
    }

    private Activity? StartSpan(HttpContext context, ActivityContext parent)
    {
        Activity? span = Source.StartActivity("HTTP", ActivityKind.Server, parent);
        if (span is null)
        {
            return null;
        }

        context.TraceIdentifier = span.TraceId.ToHexString();
        if (span.IsAllDataRequested)
        {
            string path = context.Request.Path.Value ?? "/";
            string route = PathTemplate.Find(Below(path));
            string method = MethodOf(context.Request.Method);
            span.DisplayName = $"{method} {route}";
            span.SetTag("http.request.method", method);
            span.SetTag("http.route", route);
            span.SetTag("url.scheme", settings.Public.Scheme);
            span.SetTag("url.path", PathTemplate.ForLogs(path));
        }

        return span;
    }

    /// <summary>
    /// Without tracing, the context of a trusted proxy is forwarded as it is. With tracing, HttpClient sends the gateway's own context to Paperless.
    /// </summary>
    private ActivityContext TakeContext(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        bool isTrusted = IsTrusted(context);
        StringValues sent = headers.TraceParent;
        string? state = isTrusted ? (string?)headers.TraceState : null;
        bool isValid = ActivityContext.TryParse(
            sent is [{ Length: TraceParentLength } value] ? value : null,
            state,
            isRemote: true,
            out ActivityContext parent);
        if (_tracing.IsOn || !isTrusted)
        {
            headers.Remove("traceparent");
            headers.Remove("tracestate");
            headers.Remove("baggage");
        }

        if (!isValid)
        {
            return default;
        }

        context.TraceIdentifier = parent.TraceId.ToHexString();
        return isTrusted && _tracing.FollowsParent
            ? parent
            : new ActivityContext(parent.TraceId, parent.SpanId, Decide(), state, isRemote: true);
    }

    private ActivityTraceFlags Decide() => Random.Shared.NextDouble() < _tracing.Ratio ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None;

    private bool IsTrusted(HttpContext context) => settings.IsTrustedProxy(context.Connection.RemoteIpAddress);

    private string Below(string path) => settings.ScriptName.Length > 0 && path.StartsWith(settings.ScriptName, StringComparison.Ordinal)
        ? path[settings.ScriptName.Length..]
        : path;

    /// <summary>One of a fixed set (OpenTelemetry's conventions).</summary>
    private static string MethodOf(string method) =>
        method is "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" or "CONNECT" or "TRACE" ? method : "_OTHER";
}
