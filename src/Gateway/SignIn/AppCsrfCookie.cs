using System.Security.Cryptography;
using Gateway.Pages;
using Gateway.Settings;

namespace Gateway.SignIn;

/// <summary>
/// Django's CSRF cookie on the sign-in page. An app reads it before its own single sign-on and gives up without it, because Paperless's login page sets
/// it. The gateway itself does not rely on it: see `Apps`.
/// </summary>
internal static class AppCsrfCookie
{
    /// <summary>A secret as Django makes it, which Paperless accepts as its own.</summary>
    private const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    private const int Length = 32;

    /// <remarks>Not for a browser's navigation: Paperless gives browsers their cookie. A cookie that is there stays, or open pages would lose theirs.</remarks>
    public static void Append(HttpContext context, GatewaySettings settings)
    {
        string name = settings.Paperless.CsrfCookie;
        if (!settings.Apps.IsOn || context.Request.IsNavigation() || context.Request.Cookies.ContainsKey(name))
        {
            return;
        }

        context.Response.Cookies.Append(name, RandomNumberGenerator.GetString(Letters, Length), new CookieOptions
        {
            Path = "/",
            MaxAge = TimeSpan.FromDays(364),
            Secure = settings.Public.IsHttps,
            SameSite = SameSiteMode.Lax,
            IsEssential = true,
        });
    }
}
