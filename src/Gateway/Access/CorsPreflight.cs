using System.Collections.Immutable;
using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>
/// Preflight requests of the origins in `PAPERLESS_CORS_ALLOWED_HOSTS` (Fetch, section 4.8). A browser asks without a credential whether a page on
/// another origin may call the API. Paperless answers; the request that follows needs a credential as any other.
/// </summary>
internal static class CorsPreflight
{
    public static bool IsAllowed(HttpRequest request, ImmutableHashSet<string> origins)
    {
        if (!HttpMethods.IsOptions(request.Method) || request.Headers.Authorization.Count > 0)
        {
            return false;
        }

        return FindOrigin(request, origins) is not null && request.Headers.AccessControlRequestMethod.Count == 1;
    }

    /// <summary>Lets a page on an allowed origin read an answer that the gateway gives in Paperless's place, as Paperless does.</summary>
    public static void AllowAnswer(HttpContext context, ImmutableHashSet<string> origins)
    {
        if (FindOrigin(context.Request, origins) is { } origin)
        {
            IHeaderDictionary headers = context.Response.Headers;
            headers.AccessControlAllowOrigin = origin;
            headers.AccessControlAllowCredentials = "true";
            headers.Append("Vary", "origin");
        }
    }

    private static string? FindOrigin(HttpRequest request, ImmutableHashSet<string> origins)
    {
        StringValues origin = request.Headers.Origin;
        return origin.Count == 1 && origins.Contains(origin[0]!) ? origin[0] : null;
    }
}
