using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>The settings of Paperless that the gateway must know.</summary>
internal sealed record PaperlessSettings(
    string UserHeader,
    string CookiePrefix,
    bool RegularLoginDisabled,
    bool RedirectLoginToSso,
    bool AccountSignupsAllowed,
    Uri? LogoutRedirectUrl)
{
    /// <summary>`PAPERLESS_PROXY_SSL_HEADER`: the header and its value that tell Paperless that the browser uses https.</summary>
    public ProxySslHeader? ProxySslHeader { get; init; }

    /// <summary>`PAPERLESS_CORS_ALLOWED_HOSTS`: the origins of web apps that may call the API, as browsers send them in `Origin`.</summary>
    public ImmutableHashSet<string> CorsOrigins { get; init; } = DefaultCorsOrigins;

    /// <summary>Paperless's own default.</summary>
    public static readonly ImmutableHashSet<string> DefaultCorsOrigins = ["http://localhost:8000"];

    public string SessionCookie { get; } = CookiePrefix + "sessionid";

    public string CsrfCookie { get; } = CookiePrefix + "csrftoken";

    /// <summary>Paperless's interface writes the language that its user has set to this cookie, for Django.</summary>
    public string LanguageCookie { get; } = CookiePrefix + "django_language";
}

/// <summary>Django's `SECURE_PROXY_SSL_HEADER`.</summary>
/// <param name="Name">The header's name, such as `X-Forwarded-Proto`.</param>
/// <param name="Value">The value that means https.</param>
internal sealed record ProxySslHeader(string Name, string Value);
