using System.Globalization;

namespace Gateway.Pages;

/// <summary>
/// Formats times for pages, in UTC: without a script the time zone of the reader is unknown. The months are texts of the pages, because the runtime knows
/// no month in other languages without ICU.
/// </summary>
internal static class PageTime
{
    public static PageText Format(DateTimeOffset time)
    {
        DateTimeOffset utc = time.ToUniversalTime();
        string clock = utc.ToString("HH:mm", CultureInfo.InvariantCulture);
        return utc.Month switch
        {
            1 => (PageText)$"{utc.Day} January {utc.Year}, {clock} UTC",
            2 => $"{utc.Day} February {utc.Year}, {clock} UTC",
            3 => $"{utc.Day} March {utc.Year}, {clock} UTC",
            4 => $"{utc.Day} April {utc.Year}, {clock} UTC",
            5 => $"{utc.Day} May {utc.Year}, {clock} UTC",
            6 => $"{utc.Day} June {utc.Year}, {clock} UTC",
            7 => $"{utc.Day} July {utc.Year}, {clock} UTC",
            8 => $"{utc.Day} August {utc.Year}, {clock} UTC",
            9 => $"{utc.Day} September {utc.Year}, {clock} UTC",
            10 => $"{utc.Day} October {utc.Year}, {clock} UTC",
            11 => $"{utc.Day} November {utc.Year}, {clock} UTC",
            _ => $"{utc.Day} December {utc.Year}, {clock} UTC",
        };
    }
}
