using System.Security.Cryptography;
using System.Text;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Access;

/// <summary>
/// Redirects a navigation at another host to the public address, where the cookies are valid. Where a proxy in front changes the host, the browser
/// comes back with the other host: a page then names both addresses, because a second redirect would never end.
/// </summary>
internal sealed class PublicHostRedirect(GatewaySettings settings, PageWriter pages, TimeProvider time)
{
    /// <summary>Without `__Host-` and `Secure`: the redirect may change the scheme.</summary>
    private const string CookieName = SessionCookie.Prefix + "-redirected";

    /// <summary>Long enough for a browser to follow the redirect. Who opens the other host again later is redirected again.</summary>
    private static readonly TimeSpan CookieTtl = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan WarningPeriod = TimeSpan.FromHours(1);

    private readonly Lock _warning = new();
    private DateTimeOffset? _warnedAt;

    public Task RedirectAsync(HttpContext context)
    {
        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        string mark = MarkOf(context.Request.Headers.Host + rawTarget);
        if (context.Request.Cookies[CookieName] == mark)
        {
            return RefuseAsync(context);
        }

        context.Response.Cookies.Append(CookieName, mark, new CookieOptions
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Path = "/",
            MaxAge = CookieTtl,
            IsEssential = true,
        });
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Redirect(settings.Public.Origin + rawTarget);
        return Task.CompletedTask;
    }

    private Task RefuseAsync(HttpContext context)
    {
        string received = $"{SchemeOf(context.Request)}://{context.Request.Headers.Host}";
        PageText detail = $"Paperless should be at {settings.Public.Origin}, but requests for that address arrive under another one.";
        return pages.RefuseAsync(context, new Refusal(421, "host_changed", "The address changes on its way", detail)
        {
            Remedy = Refusal.AskTheOperator,
            ForTheOperator = $"Requests for {settings.Public.Origin} arrive as {received}. The proxy in front of the gateway must pass on the Host header of "
                + "the browser, with its port, and PAPERLESS_URL must be the address that the browser shows.",
            Level = ShouldWarn() ? LogLevel.Warning : LogLevel.Information,
            ForTheLog = $"requests for {settings.Public.Origin} arrive as {received}, also after a redirect there. Let the proxy in front pass on the "
                + "Host header of the browser, with its port, or correct PAPERLESS_URL",
        });
    }

    /// <summary>The scheme that the proxy names; nothing is decided on it, so that any client may name it.</summary>
    private static string SchemeOf(HttpRequest request) =>
        request.Headers["X-Forwarded-Proto"].ToString() is "http" or "https" ? request.Headers["X-Forwarded-Proto"].ToString() : request.Scheme;

    /// <summary>Another address is another mark, so that two links to the other host, one soon after the other, are both redirected.</summary>
    private static string MarkOf(string address) => Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(address)).AsSpan(0, 8));

    private bool ShouldWarn()
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_warning)
        {
            if (now - _warnedAt < WarningPeriod && now >= _warnedAt)
            {
                return false;
            }

            _warnedAt = now;
            return true;
        }
    }
}
