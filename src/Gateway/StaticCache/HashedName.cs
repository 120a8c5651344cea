using System.Text.RegularExpressions;

namespace Gateway.StaticCache;

/// <summary>Whether a file's name holds a hash of its content: other content would have another name, so a browser may keep the file for good.</summary>
/// <remarks>
/// What is missed is asked for again after a minute, as without the gateway; what is taken for a hash and is none stays in browsers for a
/// year. So words, versions and dates must not pass, and a hash that looks like one does not pass either.
/// </remarks>
internal static partial class HashedName
{
    public static bool IsHashed(string path) => Hex().IsMatch(path) || Chunk().IsMatch(path) || Base32().IsMatch(path);

    /// <summary>
    /// Django's ManifestStaticFilesStorage (`app.0123456789ab.css`) and webpack (16, 20 or 32 digits): before the extension, with letters and
    /// digits, so that no date is one.
    /// </summary>
    [GeneratedRegex(
        @"[^/]\.(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])([0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{20}|[0-9a-f]{32})\.[a-z][a-z0-9]{1,5}$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Hex();

    /// <summary>esbuild's own word for a part that has no name (`chunk-ABCDEF12.js`).</summary>
    [GeneratedRegex(@"/chunk-[A-Z0-9]{8}\.(js|mjs|css)$", RegexOptions.CultureInvariant)]
    private static partial Regex Chunk();

    /// <summary>
    /// Angular's (`main-5XJ2QK7B.js`): eight of esbuild's Base32, letters and digits mixed; a word or a word with a number
    /// (`logo-DOCUMENT.svg`, `font-ROBOTO22.ttf`) is none.
    /// </summary>
    [GeneratedRegex(@"[A-Za-z0-9_]-(?=[A-Z2-7]*([A-Z][2-7]+[A-Z]|[2-7][A-Z]+[2-7]))[A-Z2-7]{8}\.[a-z][a-z0-9]{1,5}$", RegexOptions.CultureInvariant)]
    private static partial Regex Base32();
}
