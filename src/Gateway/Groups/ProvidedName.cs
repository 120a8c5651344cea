using System.Text;
using System.Text.RegularExpressions;

namespace Gateway.Groups;

/// <summary>A provider's name of a group: plain, a distinguished name (RFC 4514) or a path.</summary>
internal static partial class ProvidedName
{
    private const int MaxLength = 1000;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>`editors` for `cn=editors,ou=groups,dc=example` and for `/a/editors`; null for a plain name.</summary>
    public static string? ShortName(string name)
    {
        string? part = IsDistinguishedName(name) ? FirstValue(name) : LastSegment(name);
        return string.IsNullOrWhiteSpace(part) ? null : part;
    }

    /// <summary>The names in a text that is a list: with semicolons or line breaks, else with commas, else with blanks between them.</summary>
    /// <param name="byBlanks">Whether blanks parted them. A name may have blanks, so this is the weakest reading.</param>
    public static string[] Split(string text, out bool byBlanks)
    {
        byBlanks = false;
        string[] parts = Parts(text, ';', '\r', '\n');
        if (parts.Length > 1 || IsDistinguishedName(text))
        {
            return parts;
        }

        parts = Parts(text, ',');
        if (parts.Length > 1)
        {
            return parts;
        }

        // A path may have blanks in a segment: only the blank before the next path parts two of them.
        parts = Parts(text, ' ', '\t');
        byBlanks = parts.Length > 1 && (text[0] != '/' || parts.All(part => part[0] == '/'));
        return byBlanks ? parts : Parts(text, ',');
    }

    private static string[] Parts(string text, params char[] separators) =>
        text.Split(separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static bool IsDistinguishedName(string name) => name.Length <= MaxLength && DistinguishedName().IsMatch(name);

    /// <summary>The value of the first attribute, without its escapes. Two hexadecimal digits are an octet of UTF-8 (RFC 4514, section 2.4).</summary>
    /// <returns>Null if the octets are no UTF-8.</returns>
    private static string? FirstValue(string name)
    {
        try
        {
            return Escape().Replace(FirstAttributeValue().Match(name).Groups[1].Value, Unescape).Trim();
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string Unescape(Match escape) => escape.Groups["octets"] is { Success: true } octets
        ? StrictUtf8.GetString(Convert.FromHexString(octets.Value.Replace(@"\", "", StringComparison.Ordinal)))
        : escape.Groups["letter"].Value;

    private static string? LastSegment(string name) => name.StartsWith('/') ? name[(name.TrimEnd('/').LastIndexOf('/') + 1)..].TrimEnd('/') : null;

    [GeneratedRegex(@"\A(?i:cn=.+|[a-z][a-z0-9-]*=(?:[^,\\]|\\.)+,\s*[a-z][a-z0-9-]*=.+)\z", RegexOptions.Singleline, matchTimeoutMilliseconds: 100)]
    private static partial Regex DistinguishedName();

    [GeneratedRegex(@"=((?:[^,\\]|\\.)*)", RegexOptions.Singleline, matchTimeoutMilliseconds: 100)]
    private static partial Regex FirstAttributeValue();

    [GeneratedRegex(@"(?<octets>(?:\\[0-9A-Fa-f]{2})+)|\\(?<letter>.)", RegexOptions.Singleline, matchTimeoutMilliseconds: 100)]
    private static partial Regex Escape();
}
