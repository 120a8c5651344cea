using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>
/// How long a browser shows Paperless's icon and logo without asking again. Paperless says nothing about it, so that browsers take them again with
/// every page.
/// </summary>
internal static class IconLifetime
{
    /// <summary>So long a browser shows an icon or a logo that has changed.</summary>
    private const int Seconds = 600;

    private static readonly StringValues Terms = $"public, max-age={Seconds}";

    /// <summary>The paths of the icon and the logo, which everybody may see.</summary>
    public static bool IsIcon(string path) => path is "/favicon.ico" or "/logo" || path.StartsWith("/logo/", StringComparison.Ordinal);

    /// <param name="headers">Of the answer 200.</param>
    public static void Apply(string path, IHeaderDictionary headers)
    {
        if (IsIcon(path) && headers.ContentType.ToString().StartsWith("image/", StringComparison.OrdinalIgnoreCase)
            && headers.CacheControl.Count + headers.Expires.Count + headers.Pragma.Count + headers.SetCookie.Count == 0)
        {
            headers.CacheControl = Terms;

            // Paperless writes it on every answer. These are the same for everybody.
            headers.Remove("Vary");
        }
    }
}
