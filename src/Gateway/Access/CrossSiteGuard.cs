using Gateway.Pages;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>What the headers of a request say of who sent it.</summary>
internal enum RequestSource
{
    /// <summary>No header speaks of it: no browser sends such a request.</summary>
    Unsaid,

    /// <summary>A page of this origin.</summary>
    SameOrigin,

    /// <summary>A person: a typed address or a bookmark.</summary>
    User,

    /// <summary>Another site, a sibling host, or a header that cannot be read.</summary>
    Foreign,
}

/// <summary>
/// Paperless checks neither origin nor CSRF token when a header names the user, so the gateway does: what changes something on a session,
/// or opens a WebSocket, must come from this origin.
/// </summary>
internal static class CrossSiteGuard
{
    /// <summary>Every header that speaks of the origin must agree: one that is foreign, malformed or there twice makes the request foreign.</summary>
    public static RequestSource SourceOf(HttpRequest request, PublicOrigin origin)
    {
        StringValues site = request.Headers["Sec-Fetch-Site"];
        StringValues sent = request.Headers.Origin;
        StringValues referer = request.Headers.Referer;
        bool isByUser = site == "none";
        if (site.Count > 0 && site != "same-origin" && !isByUser)
        {
            return RequestSource.Foreign;
        }

        if (sent.Count > 0 && sent != origin.Origin)
        {
            return RequestSource.Foreign;
        }

        if (referer.Count > 0 && !(referer.Count == 1 && origin.IsOriginOf(referer[0])))
        {
            return RequestSource.Foreign;
        }

        if (isByUser)
        {
            return RequestSource.User;
        }

        return site.Count + sent.Count + referer.Count > 0 ? RequestSource.SameOrigin : RequestSource.Unsaid;
    }

    /// <summary>Whether nothing denies that a page of this origin sent the request.</summary>
    public static bool IsSameOrigin(HttpRequest request, PublicOrigin origin) =>
        SourceOf(request, origin) is RequestSource.SameOrigin or RequestSource.Unsaid;

    /// <summary>Whether the request says that a page of this origin sent it, and no browser that fetches ahead of a click.</summary>
    public static bool SaysSameOrigin(HttpRequest request, PublicOrigin origin) =>
        !request.IsPrefetch() && SourceOf(request, origin) == RequestSource.SameOrigin;

    public static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    /// <summary>Whether a person does it here: for a GET that ends something, where an image or a frame must not be enough.</summary>
    public static bool IsDoneByPerson(HttpRequest request, PublicOrigin origin)
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
