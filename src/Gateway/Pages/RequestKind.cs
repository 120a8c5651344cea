using Gateway.Tracing;
using Microsoft.Extensions.Primitives;

namespace Gateway.Pages;

/// <summary>Distinguishes the navigation of a person from the request of a script or program.</summary>
internal static class RequestKind
{
    /// <summary>
    /// Whether a person navigates to a document. Uses `Sec-Fetch-Mode` and `Sec-Fetch-Dest` if the browser sends them (W3C Fetch Metadata), else the
    /// `Accept` header.
    /// </summary>
    public static bool IsNavigation(this HttpRequest request)
    {
        StringValues mode = request.Headers["Sec-Fetch-Mode"];
        if (mode.Count > 0)
        {
            StringValues destination = request.Headers["Sec-Fetch-Dest"];
            return mode == "navigate" && (destination.Count == 0 || destination == "document");
        }

        foreach (string? accept in request.Headers.Accept)
        {
            if (accept?.Contains("text/html", StringComparison.OrdinalIgnoreCase) == true)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the browser sends Fetch Metadata headers.</summary>
    public static bool HasFetchMetadata(this HttpRequest request) =>
        request.Headers["Sec-Fetch-Mode"].Count + request.Headers["Sec-Fetch-Dest"].Count + request.Headers["Sec-Fetch-Site"].Count > 0;

    /// <summary>Whether Fetch Metadata says that a person navigates to a document in a tab, not in a frame.</summary>
    public static bool IsDocumentNavigation(this HttpRequest request) =>
        request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";

    /// <summary>Whether a browser prefetches the page before a person clicks.</summary>
    /// <remarks>`Sec-Purpose` is in the Fetch standard; older browsers send `Purpose` or `X-Moz`.</remarks>
    public static bool IsPrefetch(this HttpRequest request) =>
        request.Headers["Sec-Purpose"].Count > 0 || request.Headers["Purpose"] == "prefetch" || request.Headers["X-Moz"] == "prefetch";

    /// <summary>Whether to answer with a page instead of JSON: only if the request accepts `text/html` explicitly.</summary>
    public static bool WantsPage(this HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));

    /// <summary>The path for logs, without the query, ids and the secrets that a path can hold.</summary>
    public static string PathForLogs(this HttpRequest request) => PathTemplate.ForLogs(request.Path.Value ?? "/");
}
