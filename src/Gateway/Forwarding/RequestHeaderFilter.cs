using System.Buffers;
using System.Collections.Frozen;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Forwarding;

/// <summary>Decides which request headers are forwarded. No header that names a user passes.</summary>
internal sealed class RequestHeaderFilter(PaperlessSettings settings)
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private readonly FrozenSet<string> _dropped = ((string[])
    [
        // The user header, and the user headers of other proxies.
        settings.UserHeader,
        "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Remote-User", "X-Auth-Request-User", "X-authentik-username",

        // The source of the request: the gateway sets these headers itself.
        "Forwarded", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP",
        "X-Host", "X-Original-Host", "X-Original-URL", "X-Rewrite-URL", "X-Script-Name",

        // Overrides of the method on which the access decision was made.
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",

        // Hop-by-hop headers (RFC 9110, section 7.6.1), and headers that the transformer sets itself.
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "HTTP2-Settings", "Expect", "Host", "Cookie", "Authorization",

        // The gateway alone says which scheme the browser uses.
        .. settings.ProxySslHeader is { } scheme ? (string[])[scheme.Name] : [],
    ]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the header is not forwarded.</summary>
    /// <remarks>
    /// Servers fold names: Django before 5.2.13, as in Paperless 2, reads `Remote_User` as the user header, too; PHP and others also read
    /// `Remote.User` (CVE-2026-88011). Clients of Paperless send only names of letters, digits and hyphens.
    /// </remarks>
    public bool IsDropped(string name) =>
        _dropped.Contains(name) || name.AsSpan().ContainsAnyExcept(NameCharacters) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase);

    /// <summary>The headers that `Connection` lists are hop-by-hop. `Content-Length` is always forwarded.</summary>
    /// <remarks>Kestrel drops the other names of a list that contains `close`, `keep-alive` or `Upgrade`.</remarks>
    public static HashSet<string>? ConnectionHeaders(IHeaderDictionary headers)
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
