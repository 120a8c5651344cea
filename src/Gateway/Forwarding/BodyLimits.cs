using Gateway.Pages;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Forwarding;

/// <summary>Limits request bodies; Kestrel's own limit is off, because people who are signed in upload large files.</summary>
internal static class BodyLimits
{
    /// <summary>The gateway's endpoints accept forms only.</summary>
    public const long MaxGatewayBytes = RequestForm.MaxBodyBytes;

    /// <remarks>
    /// Kestrel does not read the rest of a body above the limit, and closes the connection after the answer. The answer must announce that:
    /// otherwise the next request on the connection gets none.
    /// </remarks>
    public static void Set(HttpContext context, long maxBytes)
    {
        if (context.Request.ContentLength > maxBytes)
        {
            context.CloseAfterAnswer();
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = maxBytes;
        }
    }

    public static bool HasBody(HttpContext context) =>
        context.Request.ContentLength > 0
            || (context.Request.ContentLength is null && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true });
}
