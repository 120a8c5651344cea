using Microsoft.Extensions.Primitives;

namespace Gateway.Forwarding;

/// <summary>
/// How long a browser shows a thumbnail without asking again. Paperless lets it ask for each thumbnail of a list every time, which Python answers one
/// after the other.
/// </summary>
internal static class ThumbnailLifetime
{
    /// <summary>So long a person sees a thumbnail that has changed, or that they may not see any more, from their own browser's cache.</summary>
    private const int Seconds = 60;

    private static readonly StringValues Terms = $"private, max-age={Seconds}";

    /// <summary>A thumbnail of a signed-in person, which Paperless lets the browser keep and validate.</summary>
    public static void Apply(PathString path, HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        if (IsThumbnail(path.Value!) && IsPictureOrUnchanged(response) && headers.ETag.Count + headers.LastModified.Count > 0
            && headers.CacheControl == "private, no-cache")
        {
            headers.CacheControl = Terms;
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

    private static bool IsPictureOrUnchanged(HttpResponse response) =>
        response.StatusCode == StatusCodes.Status304NotModified || (response.StatusCode == StatusCodes.Status200OK && IsPicture(response));

    private static bool IsPicture(HttpResponse response) => response.ContentType?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) == true;
}
