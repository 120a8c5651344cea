namespace Gateway.Tests.Attacks;

/// <summary>Paths that some server might take for a given one.</summary>
internal static class PathSpellings
{
    private static readonly string[] Suffixes =
    [
        "", "/", "//", "/.", "/..", "/x", "?", "?x=1", "?next=/", "#", "#x", ";", ";x=1", "/;", "/;x", "%20", "%00", "%00.css", ".json", ".css", ".",
        "..", "%2f", "/%2e", "%3f", "%3Fx", "%23", "~", "+", "*", "%09", "%0a", "%0d%0a",
        "%e2%80%8b", "\\", "|", ",", "$", "&", "'", ":", "@", "%25", "%2500", "%c2%a0", "\u00a0", "%", "/..;/", "/./", "/../x",
    ];

    private static readonly string[] Prefixes =
    [
        "/x", "/", "/.", "/./", "/x/..", "/%2e", "/%2e%2e", "/static", "/static/..", "/static/%2e%2e", "/static/x", "/share/abc", "/share",
        "/share/x/..", "/assets", "/logo", "/favicon.ico", "/gateway", "/gateway/..", "/accounts/oidc",
        "/accounts/oidc/x", "/accounts", "/api", "/api/token", "/ws", "/;", "/;x", "/%20", "/%09", "\\", "/\\", "/%5c", "/%2f", "http://localhost",
        "http://evil.example", "//evil.example", "*", "@", "x", "/a%20b", "/my", "/ADMIN", "/%61", "/en-us",
    ];

    private static readonly string[] Slashes =
    [
        "//", "/./", "%2f", "%2F", "%252f", "\\", "%5c", "/x/../", ";/", "/;/", ";x/", "%c0%af", "%e0%80%af", "/%2e/", "/.;/", "%00/", "/%20",
        "%20/", "\u2215", "%e2%88%95", "/\t", "|", ":",
    ];

    public static IReadOnlyList<string> Of(string path)
    {
        string[] segments = path.Trim('/').Split('/');
        string end = path.EndsWith('/') ? "/" : "";
        string bare = "/" + string.Join('/', segments);
        return
        [
            .. new[]
            {
                path, bare, path.ToUpperInvariant(), "/" + string.Join('/', segments.Select(Title)) + end, Odd(path), "/" + segments[0] + path,
                path + path[1..], path + segments[^1] + "/",
                Escaped(path, _ => true), Escaped(path, _ => true).ToUpperInvariant(),
                Escaped(path, letter => letter != '/' && "aeiou".Contains(letter)), Escaped(path, letter => letter == '/'),
                Escaped(path, letter => letter != '/'), Escaped(path, letter => letter != '/').Replace("%", "%25", StringComparison.Ordinal),
                bare.Replace("o", "%6f", StringComparison.Ordinal),
                bare.Replace("a", "%ef%bd%81", StringComparison.Ordinal), bare.Replace("o", "%u006f", StringComparison.Ordinal),
                bare.Replace("i", "%c4%b1", StringComparison.Ordinal),
                bare.Replace("i", "%c1%a9", StringComparison.Ordinal), bare.Replace("s", "%c5%bf", StringComparison.Ordinal),
                bare.Replace("i", "\u0131", StringComparison.Ordinal), bare.Replace("n", "n%cc%80", StringComparison.Ordinal),
            },
            .. Suffixes.Select(suffix => bare + suffix),
            .. path == bare ? [] : Suffixes.Where((_, at) => at % 2 == 0).Select(suffix => path + suffix),
            .. Prefixes.Select(prefix => prefix + path),
            .. Slashes.Select(slash => "/" + string.Join(slash, segments) + end),
            .. Slashes.Select(slash => slash + string.Join('/', segments) + end),
        ];
    }

    private static string Title(string word) => word.Length == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..];

    private static string Odd(string path) => new([.. path.Select((letter, at) => at % 2 == 0 ? letter : char.ToUpperInvariant(letter))]);

    private static string Escaped(string path, Func<char, bool> which) =>
        "/" + string.Concat(path[1..].Select(letter => which(letter) ? $"%{(int)letter:x2}" : letter.ToString()));
}
