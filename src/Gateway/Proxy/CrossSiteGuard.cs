using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Proxy;

/// <summary>
/// Paperless checks neither origin nor CSRF token when a header names the user, so the gateway does: what changes something on a session,
/// or opens a WebSocket, must come from this origin.
/// </summary>
internal static class CrossSiteGuard
{
    /// <summary>Every header that speaks of the origin must agree; a request with none of them comes from no browser.</summary>
    public static bool IsSameOrigin(HttpRequest request, PublicOrigin origin)
    {
        StringValues site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0 && site != "same-origin")
        {
            return false;
        }

        StringValues sent = request.Headers.Origin;
        return sent.Count == 0 || (sent.Count == 1 && sent[0] == origin.Origin);
    }

    /// <summary>Whether the request says, and not only does not deny, that one of this origin's own pages sent it.</summary>
    public static bool SaysSameOrigin(HttpRequest request, PublicOrigin origin)
    {
        // A browser that fetches ahead of a click has not been told to do anything.
        if (request.Headers["Sec-Purpose"].Count > 0 || request.Headers["Purpose"] == "prefetch" || !IsSameOrigin(request, origin))
        {
            return false;
        }

        return request.Headers["Sec-Fetch-Site"].Count > 0 || request.Headers.Origin.Count > 0 || IsOf(request.Headers.Referer, origin);
    }

    public static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    /// <summary>Whether a person on this site, not another site, led here: for a GET that ends something.</summary>
    public static bool CameFromHere(HttpRequest request, PublicOrigin origin)
    {
        // A browser that fetches ahead of a click has not been told to end anything.
        if (request.Headers["Sec-Purpose"].Count > 0 || request.Headers["Purpose"] == "prefetch")
        {
            return false;
        }

        StringValues site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0)
        {
            return site == "same-origin" || site == "none" || (site == "same-site" && HttpMethods.IsGet(request.Method));
        }

        if (request.Headers.Origin is { Count: > 0 } sent)
        {
            return sent == origin.Origin;
        }

        string? referer = request.Headers.Referer;
        return referer is null ? HttpMethods.IsPost(request.Method) : IsOf(referer, origin);
    }

    private static bool IsOf(string? referer, PublicOrigin origin) =>
        referer is not null && (referer == origin.Origin || referer.StartsWith(origin.Origin + "/", StringComparison.Ordinal));
}
