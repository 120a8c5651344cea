namespace Gateway.Sessions;

/// <summary>A short name of a device, such as "Firefox on Linux", read from its `User-Agent` header. People recognise their devices by it.</summary>
internal static class DeviceName
{
    public const string Unknown = "Unknown device";

    private const int MaxRawLength = 60;

    private const int MaxReadLength = 300;

    /// <summary>The first match counts. The order matters: most browsers also name Chrome and Safari in their `User-Agent`.</summary>
    private static readonly (string Token, string Name)[] Browsers =
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

    /// <summary>The first match counts. The order matters: Android also names Linux, and an iPhone names Mac OS X.</summary>
    private static readonly (string Token, string Name)[] Systems =
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

    /// <summary>Programs that are no browser. The first match counts.</summary>
    private static readonly (string Token, string Name)[] Programs =
    [
        ("swift-paperless", "Swift Paperless"),
        ("Swift Paperless", "Swift Paperless"),
        ("Swift%20Paperless", "Swift Paperless"),
        ("paperless_mobile", "Paperless Mobile"),
        ("Paperless Mobile", "Paperless Mobile"),
        ("Paperless", "Paperless app"),
        ("paperless", "Paperless app"),
        ("Dart/", "Dart"),
        ("okhttp/", "okhttp"),
        ("CFNetwork/", "CFNetwork"),
        ("curl/", "curl"),
        ("Wget/", "Wget"),
        ("python", "Python"),
        ("Python", "Python"),
        ("Go-http-client", "Go"),
        ("Java", "Java"),
        ("node", "Node.js"),
        ("bot", "bot"),
    ];

    /// <summary>The family of browsers or programs, for the log: one of a fixed set, and no text of the client.</summary>
    public static string Family(string? userAgent)
    {
        if (string.IsNullOrWhiteSpace(userAgent))
        {
            return "none";
        }

        string begin = userAgent.Length <= MaxReadLength ? userAgent : userAgent[..MaxReadLength];
        return FindName(Browsers, begin) ?? FindName(Programs, begin) ?? "other";
    }

    /// <returns>The shortened header itself if it names no common browser.</returns>
    public static string From(string userAgent)
    {
        if (string.IsNullOrWhiteSpace(userAgent))
        {
            return Unknown;
        }

        return Read(userAgent) switch
        {
            ({ } browser, { } system) => $"{browser} on {system}",
            ({ } browser, null) => browser,
            _ => userAgent.Length <= MaxRawLength ? userAgent : userAgent[..MaxRawLength] + "…",
        };
    }

    /// <returns>The browser and the system; null for one that is not common.</returns>
    public static (string? Browser, string? System) Read(string userAgent) => (FindName(Browsers, userAgent), FindName(Systems, userAgent));

    private static string? FindName((string Token, string Name)[] table, string userAgent)
    {
        foreach ((string token, string name) in table)
        {
            if (userAgent.Contains(token, StringComparison.Ordinal))
            {
                return name;
            }
        }

        return null;
    }
}
