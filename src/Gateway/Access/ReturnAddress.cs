namespace Gateway.Access;

/// <summary>Where a sign-in leads back to: an address of this gateway, never another site's, the sign-in's or the sign-out's.</summary>
internal static class ReturnAddress
{
    private const int Longest = 2000;

    /// <summary>Gives <paramref name="next"/> where it is local and safe, else the front page.</summary>
    /// <param name="next">A path with query, the script name before it.</param>
    /// <param name="scriptName">`PAPERLESS_FORCE_SCRIPT_NAME`, or empty.</param>
    public static string Local(string? next, string scriptName)
    {
        string front = scriptName + "/";
        if (next is null || next.Length > Longest || !next.StartsWith(front, StringComparison.Ordinal))
        {
            return front;
        }

        // "//host" and "/\host" are other sites to a browser; a control character may be skipped on the way to being one.
        if (next.StartsWith("//", StringComparison.Ordinal) || next.Any(letter => letter is '\\' or < ' ' or '\u007f'))
        {
            return front;
        }

        if (Ascii(next) is not { Length: <= Longest } address)
        {
            return front;
        }

        // A browser resolves dot segments, plain and escaped, before it asks: "/./accounts/logout/" would end the session that has just begun.
        string target = address.Split('#')[0];
        if (PathGuard.Fault(target) is not null)
        {
            return front;
        }

        string path = Uri.UnescapeDataString(target.Split('?')[0][scriptName.Length..]);
        return path.StartsWith("/accounts/", StringComparison.OrdinalIgnoreCase) || AccessTable.IsSignOut(path) ? front : address;
    }

    /// <summary>A `Location` header is ASCII: what a person typed beyond it is escaped as a browser would.</summary>
    private static string Ascii(string next) =>
        string.Concat(next.EnumerateRunes().Select(rune => rune.Value is > ' ' and < 0x7F ? rune.ToString() : Uri.EscapeDataString(rune.ToString())));
}
