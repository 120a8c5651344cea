using System.Globalization;
using System.Text;
using Gateway.Pages;

namespace Gateway.Accounts;

/// <summary>Paperless's rules for a user name, and which names the user header can carry. <see cref="AccountProvisioning"/> makes the name.</summary>
internal static class Username
{
    public const int MaxLength = 150;

    /// <summary>Accounts of Paperless's own that nobody signs in as.</summary>
    private static readonly string[] Reserved = ["consumer", "AnonymousUser"];

    /// <summary>Whether nobody's account may have this name.</summary>
    public static bool IsReserved(string name) => Reserved.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether the user header can name this user of Paperless's. Paperless itself checks no names that came by the header, so there may be
    /// some that it would not take today.
    /// </summary>
    public static bool CanBeSent(string name) =>
        name.Length > 0 && !IsReserved(name) && name == name.Trim()
            && name.All(letter => letter is >= ' ' and <= '\u00FF' and not (>= '\u007F' and <= '\u00A0'));

    /// <returns>What is wrong with the name, as the end of the sentence "the user name …"; null where nothing is.</returns>
    public static PageText? FindError(string name)
    {
        if (name.Length == 0)
        {
            return "is empty";
        }

        if (name.EnumerateRunes().Count() > MaxLength)
        {
            return $"has more than {MaxLength} characters";
        }

        if (!name.EnumerateRunes().All(IsAllowed))
        {
            return "has characters other than letters, digits and @ . + - _";
        }

        if (IsReserved(name))
        {
            return "is one that Paperless keeps for itself";
        }

        // Django reads the user header as Latin-1; what has no place there would arrive as somebody else's name.
        return name.All(letter => letter <= 0xFF) ? null : "has letters that the user header cannot carry (beyond Latin-1)";
    }

    /// <summary>Python's `\w`, which Django's UnicodeUsernameValidator uses: letters, numbers of every kind, and the underscore.</summary>
    public static bool IsAllowed(Rune rune) => rune.Value is '@' or '.' or '+' or '-' or '_' || Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;
}
