namespace Gateway.Sessions;

/// <summary>A short name for what a `User-Agent` says, such as "Firefox on Linux": for people, who know their own devices by it.</summary>
internal static class DeviceName
{
    private const int LongestRaw = 60;

    /// <summary>The first that fits: most browsers also call themselves Chrome and Safari, and every one calls itself Mozilla.</summary>
    private static readonly (string Mark, string Name)[] Browsers =
    [
        ("Edg/", "Edge"),
        ("EdgA/", "Edge"),
        ("EdgiOS/", "Edge"),
        ("OPR/", "Opera"),
        ("Vivaldi/", "Vivaldi"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];

    /// <summary>The first that fits: Android also calls itself Linux, and an iPhone Mac OS X.</summary>
    private static readonly (string Mark, string Name)[] Systems =
    [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("CrOS", "ChromeOS"),
        ("Macintosh", "macOS"),
        ("Linux", "Linux"),
        ("FreeBSD", "FreeBSD"),
    ];

    /// <returns>What was sent, cut, where no common browser is in it.</returns>
    public static string Of(string userAgent)
    {
        if (string.IsNullOrWhiteSpace(userAgent))
        {
            return "Unknown device";
        }

        return (First(Browsers, userAgent), First(Systems, userAgent)) switch
        {
            ({ } browser, { } system) => $"{browser} on {system}",
            ({ } browser, null) => browser,
            _ => userAgent.Length <= LongestRaw ? userAgent : userAgent[..LongestRaw] + "…",
        };
    }

    private static string? First((string Mark, string Name)[] all, string userAgent) =>
        all.FirstOrDefault(one => userAgent.Contains(one.Mark, StringComparison.Ordinal)).Name;
}
