using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Sessions;

/// <summary>The cookie that holds a session's secret.</summary>
internal sealed class SessionCookie(GatewaySettings settings)
{
    /// <summary>Every cookie of the gateway starts with this prefix (after `__Host-` or `__Secure-`). Such cookies are never forwarded.</summary>
    public const string Prefix = "paperless-gateway";

    /// <summary>`__Host-`: set over https only, for this host only, for every path (RFC 6265bis, section 4.1.3.2).</summary>
    public string Name { get; } = settings.Public.IsHttps ? "__Host-" + Prefix : Prefix;

    public bool TryRead(StringValues cookieHeaders, out SessionSecret secret)
    {
        foreach (string? header in cookieHeaders)
        {
            ReadOnlySpan<char> rest = header;
            while (rest.Length > 0)
            {
                int end = rest.IndexOf(';');
                ReadOnlySpan<char> pair = (end < 0 ? rest : rest[..end]).TrimStart(' ');
                if (pair.Length == Name.Length + 1 + SessionSecret.Letters
                    && pair[Name.Length] == '='
                    && pair.StartsWith(Name, StringComparison.Ordinal)
                    && SessionSecret.TryParse(pair[(Name.Length + 1)..], out secret))
                {
                    return true;
                }

                rest = end < 0 ? default : rest[(end + 1)..];
            }
        }

        secret = default;
        return false;
    }

    public void Append(HttpResponse response, SessionSecret secret) =>
        response.Cookies.Append(Name, secret.ToCookieValue(), Options(settings.Session.Lifetime));

    public void Delete(HttpResponse response) => response.Cookies.Append(Name, "", Options(TimeSpan.Zero));

    private CookieOptions Options(TimeSpan age) => new()
    {
        HttpOnly = true,
        Secure = settings.Public.IsHttps,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        MaxAge = age,
        IsEssential = true,
    };
}
