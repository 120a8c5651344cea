namespace Gateway.Access;

/// <summary>The address to which a sign-in returns: on this gateway, and neither the sign-in nor the sign-out.</summary>
internal static class ReturnAddress
{
    private const int MaxLength = 2000;

    /// <summary>Returns <paramref name="next"/> where it is a safe address of this gateway, else the front page.</summary>
    /// <param name="next">A path with query, below the script name.</param>
    /// <param name="scriptName">`PAPERLESS_FORCE_SCRIPT_NAME`, or empty.</param>
    public static string SafeOrFrontPage(string? next, string scriptName)
    {
        string frontPage = scriptName + "/";
        if (next is null || next.Length > MaxLength || !next.StartsWith(frontPage, StringComparison.Ordinal))
        {
            return frontPage;
        }

        // "//host" and "/\host" lead a browser to another site; browsers ignore some control characters within them.
        if (next.StartsWith("//", StringComparison.Ordinal) || next.Any(letter => letter is '\\' or < ' ' or '\u007f'))
        {
            return frontPage;
        }

        if (EscapeNonAscii(next) is not { Length: <= MaxLength } address)
        {
            return frontPage;
        }

        // Browsers resolve dot segments, plain and escaped: "/./accounts/logout/" would end the new session at once.
        string target = address.Split('#')[0];
        if (PathGuard.FindError(target) is not null)
        {
            return frontPage;
        }

        string path = Uri.UnescapeDataString(target.Split('?')[0][scriptName.Length..]);
        return path.StartsWith("/accounts/", StringComparison.OrdinalIgnoreCase) || AccessTable.IsSignOut(path) ? frontPage : address;
    }

    /// <summary>A `Location` header is ASCII: other characters are escaped as a browser escapes them.</summary>
    private static string EscapeNonAscii(string next) =>
        string.Concat(next.EnumerateRunes().Select(rune => rune.Value is > ' ' and < 0x7F ? rune.ToString() : Uri.EscapeDataString(rune.ToString())));
}
