using System.Globalization;

namespace Gateway.Storage;

/// <summary>Times as the stores keep them, since 1970; what no clock of this age can have said is null.</summary>
internal static class StoredTime
{
    /// <summary>So far in the future that nothing reaches it, and near enough to reckon with.</summary>
    private const long LastMilliseconds = 7_258_118_400_000;

    public static DateTimeOffset? OfMilliseconds(long milliseconds) =>
        milliseconds is >= 0 and < LastMilliseconds ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;

    public static DateTimeOffset? OfMilliseconds(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds) ? OfMilliseconds(milliseconds) : null;

    public static DateTimeOffset? OfSeconds(long seconds) => seconds is >= 0 and < LastMilliseconds / 1000 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
