using System.Buffers;

namespace Gateway.Access;

/// <summary>The paths of one row of the access table: decoded, below the script name, without the query.</summary>
/// <param name="text">The pattern as the documentation shows it.</param>
internal sealed class PathPattern(string text, Func<string, bool> matches)
{
    private const string SharePrefix = "/share/";

    public static PathPattern Everything { get; } = new("everything else", _ => true);

    /// <summary>`/share/` and one slug, without further segments.</summary>
    public static PathPattern ShareLink { get; } = new("`/share/<slug>`", IsShareLink);

    /// <summary>Django's admin under another path: Django routes `/accounts/admin/` to the admin, not to an account page.</summary>
    public static PathPattern AdminElsewhere { get; } = new("`…admin/…`, except `/admin/…`", IsAdminElsewhere);

    public bool Matches(string path) => matches(path);

    public override string ToString() => text;

    /// <summary>Each path, with or without a trailing slash, in any letter case.</summary>
    public static PathPattern Page(params string[] paths) => new(Quote(paths, "{0}/"), path => IsPage(path, paths));

    /// <summary>Each path and everything below it, in any letter case.</summary>
    public static PathPattern Below(params string[] paths) => new(Quote(paths, "{0}/…"), path => IsBelow(path, paths));

    /// <summary>Paths below the path that contain the part, in any letter case.</summary>
    public static PathPattern BelowWith(string name, string part) =>
        new($"`{name}/…{part}…`", path => IsBelowWith(path, name, part));

    /// <summary>Paths that contain one of the parts, in any letter case.</summary>
    public static PathPattern Containing(params string[] parts)
    {
        SearchValues<string> values = SearchValues.Create(parts, StringComparison.OrdinalIgnoreCase);
        return new PathPattern(Quote(parts, "…{0}…"), path => path.AsSpan().ContainsAny(values));
    }

    /// <summary>Paths that begin with one of the prefixes, case-sensitive.</summary>
    public static PathPattern StartingWith(params string[] prefixes) =>
        new(Quote(prefixes, "{0}…"), path => StartsWithAny(path, prefixes));

    /// <summary>Exactly these paths, case-sensitive.</summary>
    public static PathPattern File(params string[] paths) => new(Quote(paths, "{0}"), path => Array.IndexOf(paths, path) >= 0);

    /// <summary>Whether the path is the page, with or without a trailing slash, in any letter case.</summary>
    public static bool IsPage(string path, string name) =>
        path.StartsWith(name, StringComparison.OrdinalIgnoreCase)
        && (path.Length == name.Length || (path.Length == name.Length + 1 && path[^1] == '/'));

    private static bool IsPage(string path, string[] names)
    {
        foreach (string name in names)
        {
            if (IsPage(path, name))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsBelow(string path, string name) =>
        path.StartsWith(name, StringComparison.OrdinalIgnoreCase) && (path.Length == name.Length || path[name.Length] == '/');

    private static bool IsBelow(string path, string[] names)
    {
        foreach (string name in names)
        {
            if (IsBelow(path, name))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsBelowWith(string path, string name, string part) =>
        IsBelow(path, name) && path.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static bool StartsWithAny(string path, string[] prefixes)
    {
        foreach (string prefix in prefixes)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsShareLink(string path)
    {
        if (!path.StartsWith(SharePrefix, StringComparison.Ordinal))
        {
            return false;
        }

        ReadOnlySpan<char> slug = path.AsSpan(SharePrefix.Length).TrimEnd('/');
        foreach (char letter in slug)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('_' or '-'))
            {
                return false;
            }
        }

        return slug.Length > 0;
    }

    private static bool IsAdminElsewhere(string path)
    {
        int at = path.IndexOf("admin/", StringComparison.OrdinalIgnoreCase);
        return at >= 0 && !(at == 1 && path.StartsWith("/admin/", StringComparison.Ordinal));
    }

    private static string Quote(string[] paths, string format) =>
        string.Join(", ", paths.Select(path => $"`{format.Replace("{0}", path, StringComparison.Ordinal)}`"));
}
