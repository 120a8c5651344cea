using Microsoft.Extensions.Primitives;

namespace Gateway.Forwarding;

/// <summary>
/// How long a browser shows a picture without asking again. Paperless lets it ask for each thumbnail of a list every time, which Python answers one
/// after the other, and sends the icon and the logo again with every page, because it says nothing about them.
/// </summary>
internal static class PictureLifetime
{
    /// <summary>So long a person sees a thumbnail that has changed, or that they may not see any more, from their own browser's cache.</summary>
    private const int ThumbnailSeconds = 60;

    /// <summary>So long a browser shows an icon or a logo that has changed.</summary>
    private const int IconSeconds = 600;

    private static readonly StringValues ForThumbnail = $"private, max-age={ThumbnailSeconds}";
    private static readonly StringValues ForIcon = $"public, max-age={IconSeconds}";

    /// <summary>A thumbnail of a signed-in person, which Paperless lets the browser keep and validate.</summary>
    public static void ApplyToThumbnail(PathString path, HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        if (IsThumbnail(path.Value!) && IsPictureOrUnchanged(response) && headers.ETag.Count + headers.LastModified.Count > 0
            && headers.CacheControl == "private, no-cache")
        {
            headers.CacheControl = ForThumbnail;
        }
    }

    /// <summary>The icon and the logo, which everybody may see.</summary>
    public static void ApplyToIcon(PathString path, HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        if (IsIcon(path.Value!) && response.StatusCode == StatusCodes.Status200OK && IsPicture(response)
            && headers.CacheControl.Count + headers.Expires.Count + headers.Pragma.Count + headers.SetCookie.Count == 0)
        {
            headers.CacheControl = ForIcon;
        }
    }

    /// <summary>Another size has a query, which is not part of the path.</summary>
    private static bool IsThumbnail(string path)
    {
        const string documents = "/api/documents/";
        const string thumb = "/thumb/";
        return path.Length > documents.Length + thumb.Length
            && path.StartsWith(documents, StringComparison.Ordinal) && path.EndsWith(thumb, StringComparison.Ordinal)
            && !path.AsSpan(documents.Length, path.Length - documents.Length - thumb.Length).ContainsAnyExceptInRange('0', '9');
    }

    private static bool IsIcon(string path) => path is "/favicon.ico" or "/logo" || path.StartsWith("/logo/", StringComparison.Ordinal);

    private static bool IsPictureOrUnchanged(HttpResponse response) =>
        response.StatusCode == StatusCodes.Status304NotModified || (response.StatusCode == StatusCodes.Status200OK && IsPicture(response));

    private static bool IsPicture(HttpResponse response) => response.ContentType?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) == true;
}
