using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>Reads how Paperless itself is set up, from the variables that Paperless reads.</summary>
internal sealed partial class PaperlessSettingsReader(Variables variables)
{
    /// <summary>Headers with another meaning, which cannot be the user header.</summary>
    private static readonly ImmutableHashSet<string> ReservedHeaders = ImmutableHashSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Forwarded", "Host", "Origin", "Referer", "Transfer-Encoding",
        "Upgrade", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto");

    /// <param name="origin">Null if it is invalid, which is a problem of its own.</param>
    public PaperlessSettings Read(PublicOrigin? origin)
    {
        if (!variables.Flag("PAPERLESS_ENABLE_HTTP_REMOTE_USER") & !variables.Flag("PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"))
        {
            variables.Problem(
                "PAPERLESS_ENABLE_HTTP_REMOTE_USER",
                "is off, so Paperless ignores the user header of the gateway.",
                "Set it to true, for the gateway and for Paperless.");
        }

        string prefix = variables.Text("PAPERLESS_COOKIE_PREFIX") ?? "";
        if (!CookiePrefix().IsMatch(prefix))
        {
            variables.Problem("PAPERLESS_COOKIE_PREFIX", $"\"{prefix}\" cannot stand in a cookie's name.", "Use letters, digits, '_', '-' and '.' only.");
        }

        string userHeader = UserHeader();
        return new PaperlessSettings(
            userHeader,
            prefix,
            variables.Flag("PAPERLESS_DISABLE_REGULAR_LOGIN"),
            variables.Flag("PAPERLESS_REDIRECT_LOGIN_TO_SSO"),
            variables.Flag("PAPERLESS_ACCOUNT_ALLOW_SIGNUPS"),
            LogoutRedirectUrl(origin))
        {
            ProxySslHeader = ProxySslHeader(userHeader),
            CorsOrigins = CorsOrigins(),
        };
    }

    /// <summary>django-cors-headers compares scheme, host and port, and needs no path.</summary>
    private ImmutableHashSet<string> CorsOrigins()
    {
        const string name = "PAPERLESS_CORS_ALLOWED_HOSTS";
        ImmutableArray<string> origins = variables.List(name);
        foreach (string origin in origins.Where(origin => !IsOrigin(origin)))
        {
            variables.Warn($"{name}: \"{origin}\" is no origin and is left out; write scheme, host and port alone, such as https://app.example.com.");
        }

        return origins.IsEmpty ? PaperlessSettings.DefaultCorsOrigins : [.. origins.Where(IsOrigin)];
    }

    /// <summary>Also `null`, the origin of a page in a file: Paperless accepts it.</summary>
    private static bool IsOrigin(string text) => text == "null" || Origin().IsMatch(text);

    private ProxySslHeader? ProxySslHeader(string userHeader)
    {
        const string name = "PAPERLESS_PROXY_SSL_HEADER";
        const string remedy = "Write [\"HTTP_X_FORWARDED_PROTO\", \"https\"].";
        if (variables.Text(name) is not { } text)
        {
            return null;
        }

        string[]? parts = null;
        try
        {
            parts = JsonSerializer.Deserialize<string[]>(text);
        }
        catch (JsonException)
        {
            // Reported below.
        }

        if (parts is not [{ } meta, { } value] || !MetaHeader().IsMatch(meta) || !PlainHeaderValue().IsMatch(value))
        {
            variables.Problem(name, "is not a JSON list of a header, as Django names it, and its value for https.", remedy);
            return null;
        }

        string header = HeaderName(meta);
        if (header == userHeader || (ReservedHeaders.Contains(header) && header != "X-Forwarded-Proto"))
        {
            variables.Problem(name, $"the header {header} has another meaning.", remedy);
        }

        return new ProxySslHeader(header, value);
    }

    /// <summary>Converts Django's META name to the name of the header: `HTTP_X_FORWARDED_USER` is `X-Forwarded-User`.</summary>
    private static string HeaderName(string meta) => string.Join(
        '-',
        meta.Split('_').Skip(1).Select(word => word.Length == 0 ? "" : char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant()));

    private string UserHeader()
    {
        const string name = "PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME";
        string text = variables.Text(name) ?? "HTTP_REMOTE_USER";
        string header = HeaderName(text);
        if (!MetaHeader().IsMatch(text))
        {
            variables.Problem(
                name,
                $"\"{text}\" is not a header as Django names it.",
                "Write HTTP_ and the header in capitals with _ for -, such as HTTP_REMOTE_USER.");
        }
        else if (ReservedHeaders.Contains(header))
        {
            variables.Problem(name, $"the header {header} has another meaning.", "Use HTTP_REMOTE_USER, or a header that nothing else uses.");
        }

        return header;
    }

    /// <summary>An absolute address, or a path of Paperless.</summary>
    private Uri? LogoutRedirectUrl(PublicOrigin? origin)
    {
        const string name = "PAPERLESS_LOGOUT_REDIRECT_URL";
        bool isPath = variables.Text(name) is ['/', ..] and not ['/', '/', ..];
        if (!isPath)
        {
            return variables.HttpUrl(name);
        }

        return origin is null ? null : variables.HttpUrl(name, origin.Origin + variables.Text(name));
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]{0,64}\z")]
    private static partial Regex CookiePrefix();

    [GeneratedRegex(@"\A[a-z][a-z0-9+.-]*://[A-Za-z0-9._~:\[\]-]+\z")]
    private static partial Regex Origin();

    [GeneratedRegex(@"\AHTTP(_[A-Z0-9]+)+\z")]
    private static partial Regex MetaHeader();

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]{1,64}\z")]
    private static partial Regex PlainHeaderValue();
}
