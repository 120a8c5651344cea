using System.Globalization;
using System.Text;

namespace Gateway.Tests.Attacks;

/// <summary>A request of which nothing is certain; the same one for the same number.</summary>
/// <param name="IsWhole">Whether the server can tell where it ends.</param>
internal sealed record FuzzedRequest(byte[] Bytes, string Method, bool IsWhole)
{
    private const int LongestShown = 2000;

    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X", "QUERY"];

    private static readonly string[] Tails =
    [
        "/", "//", "/x", "/..", "/%2e%2e/x", "%00", "%zz", "%2F", "%5C", ";x", "%C3%BC", "%FF", "/%20", "/\u00e4", "%",
        "/" + new string('a', 3000), ".css", "?", "#x",
    ];

    private static readonly string[] Names =
    [
        "next", "process", "prompt", "again", "code", "state", "iss", "sid", "error", "error_description", "loggedout", "id_token",
        "access_token", "session_state", "username", "id", "logout_token", "", "%00", "[]", "a%5B0%5D",
    ];

    private static readonly string[] Texts =
    [
        "", "/", "1", "connect", "login", "//evil.example", "https://evil.example/", "/documents/2", "%", "%00", "%0d%0aX:%20y",
        "%F0%9F%98%80", "%FF", "\u00e4", "+", "&", "=", "a=b", "access_denied", "eyJhbGciOiJub25lIn0.e30.", new string('x', 2000),
        "/" + string.Concat(Enumerable.Repeat("%C3%BC", 300)),
    ];

    private static readonly string[] Hosts =
    [
        "", "xn--", "xn--99999999", "a..b", "a b", "[::1", "[::g]", "localhost:99999", "localhost:", ":1", "evil.example", "-", ".",
        "\u00e4", new string('a', 300), "a/b", "user@host", "localhost:0x1",
    ];

    private static readonly string[] Accepts =
    [
        "text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json", "*/*", "", "text/html;q=x", ";;;,", "a/b/c", "\u00e4",
        new string('a', 1000), "application/json; version=9",
    ];

    private static readonly string[] Types =
    [
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencoded; charset=nope",
        "multipart/form-data; boundary=b", "multipart/form-data", "multipart/form-data; boundary=" + "b\u00e4", "application/json",
        "text/plain", "", ";", "\u00e4/\u00e4",
    ];

    private static readonly string[] Bodies =
    [
        "", "a=b", "id=1&id=2", "username=x&state=y", "logout_token=a.b.c", "logout_token=" + "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA",
        "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1",
        "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1\r\n--b--\r\n", "{\"id\":-1}", "{\"id\":", "[[[[[[", "%", "%00=%FF",
        "\u00ff\u00fe", "=", "&&&&", new string('k', 3000) + "=1", new string('x', 70_000),
    ];

    private static readonly string[] Chunks = ["5\r\na=b&c\r\n0\r\n\r\n", "5;x=y\r\na=b&c\r\n0\r\nTrailer: x\r\n\r\n"];

    private static readonly string[] Lengths = ["-1", "x", "1, 1", " ", "99999999999999999999999", "9223372036854775808"];

    private static readonly string[] BrokenChunks =
    [
        "ffffffffffffffffff\r\na=b", "80000000\r\na=b", "7fffffffffffffff1\r\nx", "x\r\na=b\r\n", "-1\r\na", "5\r\na=b&cXX0\r\n\r\n",
    ];

    private static readonly string[] Cookies =
    [
        "paperless-gateway=x", "paperless-gateway=" + new string('A', 43), "paperless-gateway", "paperless-gateway-correlation-0=x",
        "paperless-gateway-correlation-1=" + new string('A', 51), "paperless-gateway-correlation-2=" + new string('_', 51),
        "paperless-gateway-choice=!", "paperless-gateway-choice=AAAA", "sessionid=x.y", "sessionid=x.AAAAAAAAAAAAAAAAAAAAAA", "csrftoken=x",
        ";;;", "=", "a=\"", "\u00e4=\u00fc", "x=" + new string('y', 5000),
    ];

    private static readonly (string Name, string[] Values)[] Others =
    [
        ("Accept-Language", ["de", "", "*;q=x", "\u00e4"]),
        ("Origin", ["null", "https://evil.example", "", "\u00e4", "$origin"]),
        ("Referer", ["$origin/", ":::", ""]),
        ("Sec-Fetch-Site", ["same-origin", "cross-site", "none", "same-site", "x", ""]),
        ("Sec-Fetch-Mode", ["navigate", "cors", "no-cors", "websocket", ""]),
        ("Sec-Fetch-Dest", ["document", "iframe", "image", "empty", ""]),
        ("Sec-Purpose", ["prefetch"]),
        ("Authorization", ["Token x", "Basic x", "Basic eDp5", "Bearer x.y.z", "Negotiate", "", "\u00e4"]),
        ("Range", ["bytes=0-1", "bytes=-", "x", "bytes=9-1,99999999999999999999-"]),
        ("If-None-Match", ["*", "\"x\"", "W/", "\""]),
        ("If-Match", ["*", "x"]),
        ("If-Modified-Since", ["Thu, 01 Jan 1970 00:00:00 GMT", "never"]),
        ("If-Unmodified-Since", ["never"]),
        ("Upgrade", ["websocket", "h2c", "x"]),
        ("Connection", ["Upgrade", "close", "keep-alive, Upgrade", "Cookie", "Host", ","]),
        ("Sec-WebSocket-Key", ["x", "AAAAAAAAAAAAAAAAAAAAAA=="]),
        ("Sec-WebSocket-Version", ["13", "x"]),
        ("Expect", ["100-continue", "x"]),
        ("X-Forwarded-Host", ["xn--", "", "a b", "evil.example, b"]),
        ("X-Forwarded-For", ["1.2.3.4", "x", "[::1"]),
        ("Remote-User", ["admin"]),
        ("Remote_User", ["admin"]),
        ("Content-Encoding", ["gzip", "x"]),
        ("User-Agent", ["", "Mozilla/5.0", "\u00e4", new string('u', 2000)]),
    ];

    /// <param name="own">Cookies of a browser that is signed in, or has a sign-in under way.</param>
    /// <param name="states">`state` of a sign-in that is under way, and others.</param>
    public static FuzzedRequest Create(
        Random random,
        string pattern,
        IReadOnlyList<string> methods,
        string origin,
        string? own,
        IReadOnlyList<string> states)
    {
        string method = methods.Count > 0 && random.NextDouble() < 0.8 ? methods[random.Next(methods.Count)] : One(random, Methods);
        StringBuilder head = new();
        string version = random.NextDouble() < 0.97 ? "1.1" : One(random, ["1.0", "1.0", "2.0", "9.9"]);
        string host = random.NextDouble() < 0.85 ? new Uri(origin).Authority : One(random, Hosts);
        head.Append(CultureInfo.InvariantCulture, $"{method} {Target(random, pattern, states)} HTTP/{version}\r\nHost: {host}\r\n");
        if (random.NextDouble() < 0.8)
        {
            head.Append(CultureInfo.InvariantCulture, $"Accept: {One(random, Accepts)}\r\n");
        }

        string[] cookies = [.. new[] { own }.OfType<string>(), .. Enumerable.Range(0, random.Next(3)).Select(_ => One(random, Cookies))];
        if (cookies.Length > 0)
        {
            head.Append(CultureInfo.InvariantCulture, $"Cookie: {string.Join(random.NextDouble() < 0.9 ? "; " : ",", cookies)}\r\n");
        }

        foreach ((string name, string[] values) in Others.Where(_ => random.NextDouble() < 0.12))
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {One(random, values).Replace("$origin", origin, StringComparison.Ordinal)}\r\n");
        }

        (string framed, bool isWhole) = Body(random, head, method is "POST" or "PUT" or "PATCH");
        return new FuzzedRequest(Encoding.Latin1.GetBytes($"{head}\r\n{framed}"), method, isWhole);
    }

    public override string ToString()
    {
        string text = Encoding.Latin1.GetString(Bytes).Replace("\r\n", "\n", StringComparison.Ordinal);
        return text.Length > LongestShown ? text[..LongestShown] + "…" : text;
    }

    private static string Target(Random random, string pattern, IReadOnlyList<string> states)
    {
        string path = pattern
            .Replace("{providerId}", random.NextDouble() < 0.8 ? "authentik" : One(random, ["x", "%20", "AUTHENTIK", "a%C3%BC"]), StringComparison.Ordinal)
            .Replace("{path}", One(random, ["", "x", "sessions/x", "a.css", "%C3%BC"]), StringComparison.Ordinal);
        if (random.NextDouble() < 0.15)
        {
            path += One(random, Tails);
        }

        if (random.NextDouble() < 0.03)
        {
            string doubled = path.Replace("/", "//", StringComparison.Ordinal);
            path = One(random, ["*", path.ToUpperInvariant(), path.TrimStart('/'), "http://evil.example" + path, doubled, "/./" + path]);
        }

        int pairs = random.Next(5);
        string query = string.Join('&', Enumerable.Range(0, pairs).Select(_ => $"{One(random, Names)}={Value(random, states)}"));
        return pairs == 0 ? path : $"{path}?{query}";
    }

    private static string Value(Random random, IReadOnlyList<string> states) =>
        states.Count > 0 && random.NextDouble() < 0.2 ? states[random.Next(states.Count)] : One(random, Texts).Replace(" ", "%20", StringComparison.Ordinal);

    private static (string Body, bool IsWhole) Body(Random random, StringBuilder head, bool takesBody)
    {
        if (!takesBody && random.NextDouble() < 0.85)
        {
            return ("", true);
        }

        if (random.NextDouble() < 0.9)
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Type: {One(random, Types)}\r\n");
        }

        string fields = string.Join('&', Enumerable.Range(0, random.Next(2000)).Select(at => $"{at}=v"));
        string body = random.NextDouble() < 0.8 ? One(random, Bodies) : fields;
        switch (random.Next(12))
        {
            case 0:
                head.Append("Transfer-Encoding: chunked\r\n");
                return (One(random, Chunks), true);
            case 1:
                head.Append("Transfer-Encoding: chunked\r\n");
                return (One(random, BrokenChunks), false);
            case 2:
                head.Append("Transfer-Encoding: chunked\r\n");
                return (One(random, BrokenChunks[..3]), true);
            case 3:
                head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length + 10}\r\n");
                return (body, false);
            case 4:
                head.Append(CultureInfo.InvariantCulture, $"Content-Length: {One(random, Lengths)}\r\n");
                return (body, true);
            case 5:
                head.Append(CultureInfo.InvariantCulture, $"Transfer-Encoding: {One(random, ["gzip", "gzip, chunked", "chunked, chunked", "x"])}\r\n");
                return ("0\r\n\r\n", true);
            case 6:
                head.Append(CultureInfo.InvariantCulture, $"Transfer-Encoding: chunked\r\nContent-Length: {body.Length}\r\n");
                return (Chunks[0], true);
            case 7:
                return ("", true);
            default:
                head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
                return (body, true);
        }
    }

    private static string One(Random random, string[] from) => from[random.Next(from.Length)];
}
