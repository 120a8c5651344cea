using Gateway.Pages;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>The source of a request, by its headers.</summary>
internal enum RequestSource
{
    /// <summary>No header names the source: no browser sends such a request.</summary>
    Unknown,

    /// <summary>A page of this origin.</summary>
    SameOrigin,

    /// <summary>The user: a typed address or a bookmark.</summary>
    User,

    /// <summary>Another site, a sibling host, or an unreadable header.</summary>
    CrossOrigin,
}

/// <summary>
/// Paperless checks neither the origin nor a CSRF token when a header names the user, so the gateway checks the origin: a request with a
/// session that changes data or opens a WebSocket must come from this origin.
/// </summary>
internal static class CrossSiteGuard
{
    /// <summary>All headers that name a source must agree: a header that is cross-origin, malformed or repeated makes the request cross-origin.</summary>
    public static RequestSource SourceOf(HttpRequest request, PublicOrigin origin)
    {
        StringValues site = request.Headers["Sec-Fetch-Site"];
        StringValues originHeader = request.Headers.Origin;
        StringValues referer = request.Headers.Referer;
        bool isUser = site == "none";
        if (site.Count > 0 && site != "same-origin" && !isUser)
        {
            return RequestSource.CrossOrigin;
        }

        if (originHeader.Count > 0 && originHeader != origin.Origin)
        {
            return RequestSource.CrossOrigin;
        }

        if (referer.Count > 0 && !(referer.Count == 1 && origin.IsOriginOf(referer[0])))
        {
            return RequestSource.CrossOrigin;
        }

        if (isUser)
        {
            return RequestSource.User;
        }

        return site.Count + originHeader.Count + referer.Count > 0 ? RequestSource.SameOrigin : RequestSource.Unknown;
    }

    /// <summary>Whether no header contradicts this origin as the source.</summary>
    public static bool IsSameOrigin(HttpRequest request, PublicOrigin origin) =>
        SourceOf(request, origin) is RequestSource.SameOrigin or RequestSource.Unknown;

    /// <summary>Whether a header names this origin as the source, and the request is no prefetch.</summary>
    public static bool IsProvenSameOrigin(HttpRequest request, PublicOrigin origin) =>
        !request.IsPrefetch() && SourceOf(request, origin) == RequestSource.SameOrigin;

    public static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    /// <summary>Whether the user caused the request. A GET that signs out must be a navigation: an image or a frame is not enough.</summary>
    public static bool IsUserAction(HttpRequest request, PublicOrigin origin)
    {
        if (request.IsPrefetch())
        {
            return false;
        }

        if (!IsSafe(request.Method))
        {
            return IsSameOrigin(request, origin);
        }

        if (!HttpMethods.IsGet(request.Method))
        {
            return false;
        }

        RequestSource source = SourceOf(request, origin);
        if (request.HasFetchMetadata())
        {
            return request.IsDocumentNavigation() && source is RequestSource.SameOrigin or RequestSource.User;
        }

        // Browsers send no fetch metadata to a plain http origin (W3C Fetch Metadata, section 2), but a Referer.
        return source == RequestSource.SameOrigin && request.Headers.Referer.Count > 0 && request.IsNavigation();
    }
}
