using System.Globalization;

namespace Gateway.Pages;

/// <summary>Formats times for pages, in UTC: without a script the time zone of the reader is unknown.</summary>
internal static class PageTime
{
    public static string Format(DateTimeOffset time) => time.ToUniversalTime().ToString("d MMMM yyyy, HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
