using System.Globalization;

namespace Gateway.Storage;

/// <summary>Converts stored times (since 1970). An implausible time is null.</summary>
internal static class StoredTime
{
    /// <summary>The year 2200. No stored time is later, and adding a duration to it does not overflow.</summary>
    private const long MaxMilliseconds = 7_258_118_400_000;

    public static DateTimeOffset? FromMilliseconds(long milliseconds) =>
        milliseconds is >= 0 and < MaxMilliseconds ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;

    public static DateTimeOffset? FromMilliseconds(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds) ? FromMilliseconds(milliseconds) : null;

    public static DateTimeOffset? FromSeconds(long seconds) =>
        seconds is >= 0 and < MaxMilliseconds / 1000 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
