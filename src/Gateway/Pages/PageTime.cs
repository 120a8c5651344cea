using System.Globalization;

namespace Gateway.Pages;

/// <summary>Times as the pages write them; without a script, nobody knows the reader's own clock.</summary>
internal static class PageTime
{
    public static string Readable(DateTimeOffset time) => time.ToUniversalTime().ToString("d MMMM yyyy, HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
