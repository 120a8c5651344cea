using Gateway.Pages;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Forwarding;

/// <summary>How much of a body is taken from whom, where Kestrel's own limit is off for the uploads of people who are signed in.</summary>
internal static class BodyLimits
{
    /// <summary>Bytes; the gateway's own endpoints take a form at the most.</summary>
    public const long Own = RequestForm.MaxBodyBytes;

    public static void Set(HttpContext context, long most)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = most;
        }
    }

    public static bool HasBody(HttpContext context) =>
        context.Request.ContentLength > 0
            || (context.Request.ContentLength is null && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true });
}
