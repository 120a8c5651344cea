using System.Collections.Immutable;
using System.Net;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>Reads the addresses: the public one, those of Paperless and of the proxies in front, and that of the health checks.</summary>
internal sealed partial class NetworkSettingsReader(Variables variables)
{
    /// <returns>Null if it is not set or not valid.</returns>
    public PublicOrigin? Public()
    {
        const string own = "GATEWAY_PUBLIC_URL";
        const string paperless = "PAPERLESS_URL";
        Uri? paperlessUrl = variables.HttpUrl(paperless);
        bool hasOwn = variables.Text(own) is not null;
        string name = hasOwn ? own : paperless;
        Uri? url = hasOwn ? variables.HttpUrl(own) : paperlessUrl;
        if (variables.Text(name) is null && !variables.IsUnreadable(name))
        {
            variables.Problem(paperless, "is not set.", "Write the address that people type, such as https://docs.example.com.");
        }

        if (variables.Text(paperless)?.EndsWith('/') == true && paperlessUrl?.PathAndQuery == "/")
        {
            variables.Warn(
                $"{paperless} ends with a slash, so Paperless may reject changes as cross-site (CSRF). Write {new PublicOrigin(paperlessUrl).Origin}.");
        }

        if (url is not null && url.PathAndQuery != "/")
        {
            variables.Problem(name, "has a path.", $"Write {new PublicOrigin(url).Origin} (a path goes into PAPERLESS_FORCE_SCRIPT_NAME).");
        }

        return url is null ? null : new PublicOrigin(url);
    }

    public HostPatterns AllowedHosts()
    {
        const string name = "PAPERLESS_ALLOWED_HOSTS";
        ImmutableArray<string> hosts = variables.List(name);
        foreach (string host in hosts.Where(
            host => host.Contains('/', StringComparison.Ordinal) || (host[^1] != ']' && host.Contains(':', StringComparison.Ordinal))))
        {
            variables.Warn($"{name}: \"{host}\" matches no host; write the name alone, without scheme and port.");
        }

        return new HostPatterns(hosts);
    }

    public string ScriptName()
    {
        string? name = variables.Text("PAPERLESS_FORCE_SCRIPT_NAME");
        if (name is null || PlainPath().IsMatch(name))
        {
            return name ?? "";
        }

        variables.Problem(
            "PAPERLESS_FORCE_SCRIPT_NAME",
            $"\"{name}\" is not a plain path.",
            "Write it like /paperless: with a leading slash, without a trailing slash.");
        return "";
    }

    public ImmutableArray<IPNetwork> TrustedProxies() =>
        variables.Text("GATEWAY_TRUSTED_PROXIES") is null ? variables.Networks("PAPERLESS_TRUSTED_PROXIES") : variables.Networks("GATEWAY_TRUSTED_PROXIES");

    public ImmutableArray<Uri> Upstreams()
    {
        const string name = "GATEWAY_UPSTREAM_URL";
        ImmutableArray<string> texts = variables.List(name);
        ImmutableArray<Uri> urls = [.. (texts.IsEmpty ? ["http://localhost:8000"] : texts).Select(text => variables.HttpUrl(name, text)).OfType<Uri>()];
        foreach (Uri url in urls.Where(url => url.PathAndQuery != "/"))
        {
            variables.Problem(name, $"\"{url}\" has a path.", "Write scheme, host and port only; Paperless's own path is PAPERLESS_FORCE_SCRIPT_NAME.");
        }

        return [.. urls.Distinct()];
    }

    public Uri ManagementUrl()
    {
        const string name = "GATEWAY_MANAGEMENT_URL";
        string text = variables.Text(name) ?? "http://127.0.0.1:8081";

        // Kestrel's "+" and "*" mean every address. Uri does not accept them as a host.
        string plain = text.Replace("://+", "://0.0.0.0", StringComparison.Ordinal).Replace("://*", "://0.0.0.0", StringComparison.Ordinal);
        Uri? url = variables.HttpUrl(name, plain);
        if (url is not null && (url.Scheme != Uri.UriSchemeHttp || url.PathAndQuery != "/"))
        {
            variables.Problem(name, $"\"{text}\" is not plain http without a path.", "Write it as http://127.0.0.1:8081.");
        }

        return url ?? new Uri("http://127.0.0.1:8081");
    }

    /// <summary>
    /// Browsers ignore the header over http, and a public address with http must stay usable. The header counts for all ports of the host: where the
    /// gateway has a port of its own, others may serve plain http at the same name, so the operator decides.
    /// </summary>
    public TimeSpan? Hsts(PublicOrigin? origin)
    {
        const string name = "GATEWAY_HSTS";
        bool isHttps = origin?.IsHttps == true;
        if (variables.Text(name) is not { } text)
        {
            return isHttps && origin!.Port == 443 ? TimeSpan.FromDays(30) : null;
        }

        if (Variables.IsOff(text))
        {
            return null;
        }

        if (!Variables.TryReadDuration(text, out TimeSpan maxAge) || !Variables.HasUnit(text))
        {
            variables.Problem(name, $"\"{text}\" is neither a time nor off.", "Write how long browsers use only https, such as 30d or 365d, or off.");
        }
        else if (origin is not null && !isHttps)
        {
            variables.Warn($"{name} has no effect: the public address {origin} is not https.");
        }

        return isHttps ? maxAge : null;
    }

    [GeneratedRegex(@"\A(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\z")]
    private static partial Regex PlainPath();
}
