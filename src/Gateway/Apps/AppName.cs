using Gateway.Sessions;

namespace Gateway.Apps;

/// <summary>What an app calls itself: the first product of its `User-Agent` header, such as `Swift%20Paperless/142 CFNetwork/1568.100 Darwin/24.0`.</summary>
internal static class AppName
{
    private const string OfBrowsers = "Mozilla";

    public static string From(string userAgent)
    {
        int end = userAgent.IndexOf('/', StringComparison.Ordinal);
        string product = Uri.UnescapeDataString(end < 0 ? userAgent : userAgent[..end]).Trim();
        return product.Length > 0 && product != OfBrowsers ? product : DeviceName.From(userAgent);
    }
}
