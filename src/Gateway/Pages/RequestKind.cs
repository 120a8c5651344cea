using Microsoft.Extensions.Primitives;

namespace Gateway.Pages;

/// <summary>Tells a person's navigation from a script's or a program's request.</summary>
internal static class RequestKind
{
    /// <summary>
    /// `Sec-Fetch-Mode` where the browser sends it (W3C Fetch Metadata), and then a whole document at that; else whether HTML is asked for.
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

    /// <summary>Whether the browser says what it fetches, and for what.</summary>
    public static bool HasFetchMetadata(this HttpRequest request) =>
        request.Headers["Sec-Fetch-Mode"].Count + request.Headers["Sec-Fetch-Dest"].Count + request.Headers["Sec-Fetch-Site"].Count > 0;

    /// <summary>Whether the browser says that a person goes to a page, in a window of its own.</summary>
    public static bool IsDocumentNavigation(this HttpRequest request) =>
        request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";

    /// <summary>Whether a browser fetches ahead of a click: nobody has asked for anything yet.</summary>
    /// <remarks>`Sec-Purpose` is the Fetch standard's; older browsers say `Purpose` or `X-Moz`.</remarks>
    public static bool IsPrefetch(this HttpRequest request) =>
        request.Headers["Sec-Purpose"].Count > 0 || request.Headers["Purpose"] == "prefetch" || request.Headers["X-Moz"] == "prefetch";

    /// <summary>Of what is there both as a page and as JSON: the page is for whoever asks for one by name.</summary>
    public static bool WantsPage(this HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The path for logs: without the query, and without what opens something by itself (share links, keys in mails).
    /// </summary>
    public static string PathForLogs(this HttpRequest request)
    {
        string path = request.Path.Value ?? "/";
        foreach (string secretBelow in SecretBelow)
        {
            int start = path.IndexOf(secretBelow, StringComparison.OrdinalIgnoreCase);
            if (start >= 0)
            {
                return path[..(start + secretBelow.Length)] + "…";
            }
        }

        return path;
    }

    private static readonly string[] SecretBelow = ["share/", "/password/reset/key/", "/confirm-email/"];
}
