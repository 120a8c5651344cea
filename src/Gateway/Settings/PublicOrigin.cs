namespace Gateway.Settings;

/// <summary>The public scheme, host and port of the gateway.</summary>
internal sealed record PublicOrigin
{
    public PublicOrigin(Uri url)
    {
        Scheme = url.Scheme;
        Hostname = url.IdnHost.Contains(':', StringComparison.Ordinal) ? $"[{url.IdnHost}]" : url.IdnHost;
        Port = url.Port;
        Authority = url.IsDefaultPort ? Hostname : $"{Hostname}:{url.Port}";
        Origin = $"{Scheme}://{Authority}";
    }

    public string Scheme { get; }

    public bool IsHttps => Scheme == Uri.UriSchemeHttps;

    public string Hostname { get; }

    public int Port { get; }

    /// <summary>As browsers send it in `Host`: without the default port of the scheme.</summary>
    public string Authority { get; }

    /// <summary>As browsers send it in `Origin` (RFC 6454, section 6.2).</summary>
    public string Origin { get; }

    /// <summary>Whether a `Host` header names this origin, with or without the default port of the scheme.</summary>
    public bool IsHost(ReadOnlySpan<char> host)
    {
        if (!host.StartsWith(Hostname, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        ReadOnlySpan<char> rest = host[Hostname.Length..];
        return rest.Length == 0
            ? Authority.Length == Hostname.Length
            : rest[0] == ':' && int.TryParse(rest[1..], System.Globalization.NumberStyles.None, null, out int port) && port == Port;
    }

    /// <summary>Whether an absolute URL, as browsers send it in `Referer`, has this origin.</summary>
    public bool IsOriginOf(string? url)
    {
        // Browsers send ASCII without spaces. A space would allow a list of two URLs.
        if (string.IsNullOrEmpty(url) || url.AsSpan().ContainsAnyExceptInRange('!', '~') || !url.StartsWith(Scheme + "://", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        // The authority ends at the first of these (RFC 3986, section 3.2; browsers treat "\" as "/"). User information fails the comparison of the host.
        ReadOnlySpan<char> rest = url.AsSpan(Scheme.Length + "://".Length);
        int end = rest.IndexOfAny("/?#\\");
        return IsHost(end < 0 ? rest : rest[..end]);
    }

    public override string ToString() => Origin;
}
