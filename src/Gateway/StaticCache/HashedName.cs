using System.Text.RegularExpressions;

namespace Gateway.StaticCache;

/// <summary>Whether a file's name contains a hash of its content. Such a file never changes, so a browser may cache it for a year.</summary>
/// <remarks>
/// A hash that is not recognised costs a request a minute; a name that is mistaken for a hash stays in browsers for a year. Therefore
/// names that could be words, versions or dates do not match.
/// </remarks>
internal static partial class HashedName
{
    public static bool IsHashed(string path) => Hex().IsMatch(path) || Chunk().IsMatch(path) || Base32().IsMatch(path);

    /// <summary>
    /// Django's ManifestStaticFilesStorage (`app.0123456789ab.css`) and webpack (16, 20 or 32 digits): before the extension, with both letters
    /// and digits, which excludes dates.
    /// </summary>
    [GeneratedRegex(
        @"[^/]\.(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])([0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{20}|[0-9a-f]{32})\.[a-z][a-z0-9]{1,5}$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Hex();

    /// <summary>esbuild's name for an unnamed chunk (`chunk-ABCDEF12.js`).</summary>
    [GeneratedRegex(@"/chunk-[A-Z0-9]{8}\.(js|mjs|css)$", RegexOptions.CultureInvariant)]
    private static partial Regex Chunk();

    /// <summary>
    /// Angular's names (`main-5XJ2QK7B.js`): eight characters of esbuild's Base32, letters and digits mixed. A word or a word with a number
    /// (`logo-DOCUMENT.svg`, `font-ROBOTO22.ttf`) does not match.
    /// </summary>
    [GeneratedRegex(@"[A-Za-z0-9_]-(?=[A-Z2-7]*([A-Z][2-7]+[A-Z]|[2-7][A-Z]+[2-7]))[A-Z2-7]{8}\.[a-z][a-z0-9]{1,5}$", RegexOptions.CultureInvariant)]
    private static partial Regex Base32();
}
