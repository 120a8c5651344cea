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
    public bool IsHost(string? host)
    {
        if (host is null || !host.StartsWith(Hostname, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        ReadOnlySpan<char> rest = host.AsSpan(Hostname.Length);
        return rest.Length == 0
            ? Authority.Length == Hostname.Length
            : rest[0] == ':' && int.TryParse(rest[1..], System.Globalization.NumberStyles.None, null, out int port) && port == Port;
    }

    public override string ToString() => Origin;
}
