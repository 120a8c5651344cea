using System.Globalization;
using System.Reflection;
using Gateway.Settings;
using Microsoft.Net.Http.Headers;

namespace Gateway.Pages;

/// <summary>Chooses the language of a page: the one that the person has set in Paperless, else the browser's, else English.</summary>
internal static class PageLanguage
{
    /// <summary>RFC 5646, section 4.4.1, needs no more. Anyone may send a header of 32 KiB.</summary>
    private const int MaxNameLength = 35;

    /// <summary>No browser sends more languages.</summary>
    private const int MaxLanguages = 50;

    public static CultureInfo English { get; } = CultureInfo.GetCultureInfo("en");

    /// <summary>English and the languages of the files that the gateway was built with, by name.</summary>
    public static IReadOnlyDictionary<string, CultureInfo> Available { get; } = FindAvailable();

    /// <summary>Chooses the language for the texts that are written from here to the end of the calling method.</summary>
    /// <remarks>Only `async` methods may call this: at their end, the runtime restores the culture of their caller.</remarks>
    public static CultureInfo Use(HttpContext context)
    {
        PaperlessSettings paperless = context.RequestServices.GetRequiredService<GatewaySettings>().Paperless;

        // Paperless's interface keeps the setting of its user in this cookie, for Django. It is still there when the person has signed out.
        string setting = context.Request.Cookies[paperless.LanguageCookie] ?? "";
        CultureInfo language = Find(setting) ?? Choose(context.Request);
        CultureInfo.CurrentUICulture = language;
        return language;
    }

    /// <summary>The best of the browser's languages.</summary>
    private static CultureInfo Choose(HttpRequest request)
    {
        CultureInfo best = English;
        double bestQuality = 0;
        foreach (StringWithQualityHeaderValue language in request.GetTypedHeaders().AcceptLanguage.Take(MaxLanguages))
        {
            double quality = language.Quality ?? 1;
            if (quality > bestQuality && Find(language.Value.ToString()) is { } found)
            {
                (best, bestQuality) = (found, quality);
            }
        }

        return best;
    }

    /// <summary>By its name, else without its region: "de-AT" is "de" (RFC 4647, section 3.4).</summary>
    private static CultureInfo? Find(string name)
    {
        if (name.Length > MaxNameLength)
        {
            return null;
        }

        while (name.Length > 0)
        {
            if (Available.TryGetValue(name, out CultureInfo? language))
            {
                return language;
            }

            name = name[..Math.Max(name.LastIndexOf('-'), 0)];
        }

        return null;
    }

    private static Dictionary<string, CultureInfo> FindAvailable()
    {
        string files = typeof(PageLanguage).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "PageLanguages").Value ?? "";
        return files.Split(['.', ';'], StringSplitOptions.RemoveEmptyEntries)
            .Append(English.Name)
            .ToDictionary(name => name, CultureInfo.GetCultureInfo, StringComparer.OrdinalIgnoreCase);
    }
}
