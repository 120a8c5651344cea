using System.Buffers;
using System.Collections.Frozen;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Forwarding;

/// <summary>Decides which request headers go on to Paperless, and never lets one say who is there.</summary>
internal sealed class RequestHeaderFilter(GatewaySettings settings)
{
    private static readonly SearchValues<char> Plain = SearchValues.Create("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private readonly FrozenSet<string> _dropped = new[]
    {
        // Who is there: the user header, and what other proxies call theirs.
        settings.Paperless.UserHeader,
        "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Remote-User", "X-Auth-Request-User", "X-authentik-username",

        // Where it came from: the gateway says that itself.
        "Forwarded", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP",
        "X-Host", "X-Original-Host", "X-Original-URL", "X-Rewrite-URL", "X-Script-Name",

        // Another method than the one that was judged here.
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",

        // This connection's business, not the next one's (RFC 9110, section 7.6.1); set again where they are needed.
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "HTTP2-Settings", "Expect", "Host", "Cookie", "Authorization",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a client's header stays here.</summary>
    /// <remarks>
    /// Servers fold names: to a Django before 5.2.13 `Remote_User` is the user header too (Paperless 2 has such a one), to PHP and others
    /// also `Remote.User` (CVE-2026-88011). No client of Paperless sends a name that is more than letters, digits and hyphens.
    /// </remarks>
    public bool IsDropped(string name) =>
        _dropped.Contains(name) || name.AsSpan().ContainsAnyExcept(Plain) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase);

    /// <summary>Headers that `Connection` lists are for this connection alone; the length of the body is not one of them, whatever it says.</summary>
    /// <remarks>Beside `close`, `keep-alive` or `Upgrade` Kestrel forgets what else the list held.</remarks>
    public static HashSet<string>? ListedInConnection(IHeaderDictionary headers)
    {
        StringValues connection = headers.Connection;
        if (connection.Count == 0 || (connection.Count == 1 && (connection[0] is "keep-alive" or "Keep-Alive" or "close" or "Upgrade")))
        {
            return null;
        }

        HashSet<string> listed = new(StringComparer.OrdinalIgnoreCase);
        foreach (string? header in connection)
        {
            foreach (string name in (header ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                listed.Add(name);
            }
        }

        listed.Remove("Content-Length");
        return listed;
    }
}
