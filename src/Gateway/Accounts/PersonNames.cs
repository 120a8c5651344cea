using System.Text;

namespace Gateway.Accounts;

/// <summary>From what providers call people to what Paperless takes for names.</summary>
internal static class PersonNames
{
    /// <summary>Django's limit for a first and a last name.</summary>
    private const int Longest = 150;

    /// <summary>Letters of European names that Latin-1 lacks and Unicode does not part into a letter and its mark.</summary>
    private static readonly Dictionary<int, string> Letters = new()
    {
        ['Ł'] = "L",
        ['ł'] = "l",
        ['Đ'] = "D",
        ['đ'] = "d",
        ['Ħ'] = "H",
        ['ħ'] = "h",
        ['Ŧ'] = "T",
        ['ŧ'] = "t",
        ['Œ'] = "OE",
        ['œ'] = "oe",
        ['ı'] = "i",
        ['ẞ'] = "SS",
    };

    /// <summary>
    /// First and last name. authentik sends the whole name as `given_name` and no `family_name`: then the name is parted at its last blank.
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

        int parting = last is not null && whole.EndsWith(" " + last, StringComparison.Ordinal) ? whole.Length - last.Length - 1
            : first is not null && whole.StartsWith(first + " ", StringComparison.Ordinal) ? first.Length
            : whole.LastIndexOf(' ');
        return parting < 0 ? (Cut(whole), "") : (Cut(whole[..parting]), Cut(whole[(parting + 1)..]));
    }

    /// <summary>The nearest name that Paperless and the user header take: `Zoë Şahin` becomes `Zoë_Sahin`. Empty where nothing is left.</summary>
    /// <remarks>A cleaned name is for a new account only: it never finds one that is there.</remarks>
    public static string Clean(string name)
    {
        // What Latin-1 has stays whole; of other letters the mark goes and the letter stays.
        StringBuilder kept = new(name.Length);
        foreach (Rune rune in name.Normalize(NormalizationForm.FormC).Trim().EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune))
            {
                kept.Append('_');
                continue;
            }

            string text = Letters.GetValueOrDefault(rune.Value) ?? rune.ToString();
            foreach (char letter in text.Any(part => part > 0xFF) ? text.Normalize(NormalizationForm.FormKD) : text)
            {
                if (letter <= 0xFF && !char.IsSurrogate(letter) && Username.IsAllowed(new Rune(letter)))
                {
                    kept.Append(letter);
                }
            }
        }

        string cleaned = kept.ToString().Trim('_');
        return cleaned.Any(char.IsLetterOrDigit) ? cleaned[..Math.Min(cleaned.Length, Username.Longest)] : "";
    }

    private static string? Tidy(string? name)
    {
        string tidy = string.Join(' ', (name ?? "").Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        return tidy.Length > 0 && !tidy.Any(char.IsControl) ? tidy : null;
    }

    private static string? Cut(string? name)
    {
        if (name is not { Length: > Longest })
        {
            return name;
        }

        // Not through the middle of a letter of two chars.
        return name[..(char.IsHighSurrogate(name[Longest - 1]) ? Longest - 1 : Longest)];
    }
}
