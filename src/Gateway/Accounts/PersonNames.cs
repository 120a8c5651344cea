using System.Text;

namespace Gateway.Accounts;

/// <summary>Turns the provider's name claims into names that Paperless accepts.</summary>
internal static class PersonNames
{
    /// <summary>Django's limit for a first and a last name.</summary>
    private const int MaxLength = 150;

    /// <summary>
    /// Latin Extended-A (U+0100 to U+017F), each letter without its diacritic: what European names have beyond Latin-1. By hand, because
    /// InvariantGlobalization is on, so .NET cannot strip diacritics.
    /// </summary>
    private const string LatinExtendedAWithoutMarks =
        "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiJjJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

    /// <summary>
    /// First and last name. authentik sends the whole name as `given_name` and no `family_name`: then the name is split at its last space.
    /// </summary>
    public static (string? First, string? Last) Split(string? given, string? family, string? name)
    {
        string? first = Tidy(given);
        string? last = Tidy(family);
        string? whole = Tidy(name) ?? (last is null ? first : null);
        if (whole is null || (first is not null && last is not null))
        {
            return (Cut(first), Cut(last));
        }

        int space = SpaceBetween(whole, first, last);
        return space < 0 ? (Cut(whole), "") : (Cut(whole[..space]), Cut(whole[(space + 1)..]));
    }

    /// <summary>Where the first name ends in the whole name; the last space where neither part is known; negative where there is none.</summary>
    private static int SpaceBetween(string whole, string? first, string? last)
    {
        if (last is not null && whole.EndsWith(" " + last, StringComparison.Ordinal))
        {
            return whole.Length - last.Length - 1;
        }

        if (first is not null && whole.StartsWith(first + " ", StringComparison.Ordinal))
        {
            return first.Length;
        }

        return whole.LastIndexOf(' ');
    }

    /// <summary>The nearest name that Paperless and the user header take: `Zoë Şahin` becomes `Zoë_Sahin`. Empty where nothing is left.</summary>
    /// <remarks>A cleaned name is for a new account only: it never finds one that is there.</remarks>
    public static string Clean(string name)
    {
        StringBuilder kept = new(name.Length);
        foreach (Rune rune in name.Trim().EnumerateRunes())
        {
            Rune letter = rune.Value is >= 0x100 and < 0x180 ? new Rune(LatinExtendedAWithoutMarks[rune.Value - 0x100]) : rune;
            if (Rune.IsWhiteSpace(letter))
            {
                kept.Append('_');
            }
            else if (letter.Value <= 0xFF && Username.IsAllowed(letter))
            {
                kept.Append((char)letter.Value);
            }
        }

        string cleaned = kept.ToString().Trim('_');
        return cleaned.Any(char.IsLetterOrDigit) ? cleaned[..Math.Min(cleaned.Length, Username.MaxLength)] : "";
    }

    private static string? Tidy(string? name)
    {
        string tidy = string.Join(' ', (name ?? "").Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        return tidy.Length > 0 && !tidy.Any(char.IsControl) ? tidy : null;
    }

    private static string? Cut(string? name)
    {
        if (name is not { Length: > MaxLength })
        {
            return name;
        }

        // Not through the middle of a letter of two chars.
        return name[..(char.IsHighSurrogate(name[MaxLength - 1]) ? MaxLength - 1 : MaxLength)];
    }
}
