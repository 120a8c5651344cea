using System.Globalization;

namespace Gateway.Settings;

/// <summary>The domain of an email address, in ASCII: `bücher.example` and `xn--bcher-kva.example` are the same domain.</summary>
internal static class EmailDomain
{
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <returns>Null where it is no domain.</returns>
    public static string? Parse(string domain)
    {
        try
        {
            string ascii = Idn.GetAscii(domain.ToLowerInvariant());
            return Uri.CheckHostName(ascii) == UriHostNameType.Dns ? ascii : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <returns>Null where the text is not one email address.</returns>
    public static string? Of(string? email) =>
        email?.Trim().Split('@') is [{ Length: > 0 }, var domain] ? Parse(domain) : null;
}
