namespace Gateway.Settings;

/// <summary>Scheme, host and port under which browsers know the gateway.</summary>
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

    /// <summary>As browsers send it in `Host`: the port only where it is not the scheme's own.</summary>
    public string Authority { get; }

    /// <summary>As browsers send it in `Origin` (RFC 6454, section 6.2).</summary>
    public string Origin { get; }

    /// <summary>Whether a `Host` header means this origin, with or without the scheme's own port.</summary>
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

    /// <summary>Whether an absolute URL, as browsers send it in `Referer`, is one of this origin's.</summary>
    public bool IsOriginOf(string? url)
    {
        // A browser sends ASCII without spaces; a list of two URLs, for one, has a space.
        if (string.IsNullOrEmpty(url) || url.AsSpan().ContainsAnyExceptInRange('!', '~') || !url.StartsWith(Scheme + "://", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        // Up to what ends the authority (RFC 3986, section 3.2; browsers take "\" for "/"); user information is no part of an origin, and no host.
        ReadOnlySpan<char> rest = url.AsSpan(Scheme.Length + "://".Length);
        int end = rest.IndexOfAny("/?#\\");
        return IsHost(end < 0 ? rest : rest[..end]);
    }

    public override string ToString() => Origin;
}
