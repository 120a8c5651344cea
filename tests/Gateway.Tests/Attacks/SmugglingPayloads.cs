using System.Globalization;

namespace Gateway.Tests.Attacks;

/// <summary>One connection's worth of bytes.</summary>
/// <param name="Kind">What two parsers could disagree on.</param>
/// <param name="Text">Latin-1. Its requests name the payload's number in their targets.</param>
internal sealed record SmugglingPayload(string Kind, string Text);

/// <summary>Requests of which two parsers could see the end, the start, the target or the headers in different places.</summary>
internal static class SmugglingPayloads
{
    private static readonly string[] Obfuscations =
    [
        "Transfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding:\u000bchunked",
        "Transfer-Encoding:\u000cchunked",
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunkedx", "Transfer-Encoding: CHUNKED", "Transfer-Encoding: chunked ",
        "Transfer-Encoding: chunked\t",
        "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: chunked;x=1", "Transfer-Encoding: chunked\u0000", "Transfer-Encoding: \u0000chunked", "Transfer-Encoding: chun\u0000ked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:", "Transfer-Encoding: 0", "Transfer-Encoding: \u00ffchunked", "Transfer-Encoding: chunked\u00a0",
        "Transfer-Encoding\u00a0: chunked",
        "Transfer_Encoding: chunked", "Transfer.Encoding: chunked", "TransferEncoding: chunked", "transfer-encoding: chunked",
        "TRANSFER-ENCODING: chunked", "Transfer-Encoding;: chunked",
        " Transfer-Encoding: chunked", "\tTransfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\r\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding:\n chunked", "Transfer-Encoding: chunked\r",
        "Transfer-Encoding: chunked\n", "TE: chunked",
    ];

    private static readonly string[] Lengths =
    [
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 6", "Content-Length: 4", "Content-Length: 1000", "Content-Length: +5",
        "Content-Length: -5", "Content-Length: -0", "Content-Length: 5.0",
        "Content-Length: 5e0", "Content-Length: 0x5", "Content-Length: 05", "Content-Length: 5,5", "Content-Length: 5, 0", "Content-Length: 0, 5",
        "Content-Length: 5;", "Content-Length: \"5\"",
        "Content-Length:", "Content-Length: 5 5", "Content-Length: 5\u0000", "Content-Length: \u00b5", "Content-Length: 9223372036854775808",
        "Content-Length: 18446744073709551621",
        "Content-Length: 99999999999999999999", "Content-Length : 5", "Content_Length: 5", "Content.Length: 5", "ContentLength: 5",
        " Content-Length: 5", "Content-Length:\t5", "Content-Length:\u000b5",
        "X: y\r\n Content-Length: 5", "X: y\nContent-Length: 5", "X: y\rContent-Length: 5", "content-length: 5", "CONTENT-LENGTH: 5",
        "Content-Length: 5\r", "Content-Length:\r\n 5", "Content-Length: ٥",
    ];

    private static readonly string[] ChunkSizes =
    [
        "5", "05", "0000000000000005", "5 ", "5\t", " 5", "+5", "-5", "0x5", "5;", "5;x", "5;x=y", "5;x=\"y\"", "5;x=\"y\ry\"", "5;x=\"y\ny\"",
        "5;x\ry", "5;x\ny", "5 ;x", "5;\u0000", "5;\u00ff", "5,5", "5.",
        "5\u0000", "5\u000b", "g", "", "fffffffff", "ffffffffffffffff", "100000000", "100000005", "80000005",
        "5;" + "x=1;x=1;x=1;x=1;x=1;x=1;x=1;x=1;x=1;x=1", "5\r", "5\n", "5\r\n", "5;a\r", "5;a\n", "5;\r\r",
    ];

    private static readonly string[] Trailers =
    [
        "Remote-User: admin", "Remote_User: admin", "Content-Length: 5", "Transfer-Encoding: chunked", "Host: evil.example", "Cookie: sessionid=x",
        "Authorization: Token x", "X: y", " folded", "X", ": y",
        "X: y\u0000", "X: y\nRemote-User: admin", "X: y\rRemote-User: admin", "Connection: close", "Expect: 100-continue",
    ];

    private static readonly string[] Lists =
    [
        "Connection: close, Content-Length", "Connection: Transfer-Encoding", "Connection: Host", "Connection: Cookie",
        "Connection: Remote-User, X-Forwarded-For", "Connection: keep-alive, Authorization",
        "Connection: upgrade", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
        "Connection: Upgrade\r\nUpgrade: h2c", "Upgrade: h2c", "Upgrade: HTTP/2.0",
        "Connection: Upgrade\r\nUpgrade: TLS/1.0", "Connection: Upgrade\r\nUpgrade: SPDY/3.1", "Connection: Upgrade\r\nUpgrade: websocket",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: x",
        "Connection: Upgrade\r\nUpgrade: websocket, h2c", "Proxy-Connection: keep-alive", "Keep-Alive: timeout=5, max=1",
        "Expect: 100-continue", "Expect: 100-Continue", "Expect: y 100-continue", "Expect: 100-continue, x", "Expect:\r\n 100-continue",
        "Expect: 200-ok", "Expect: 100-continue\r\nExpect: 100-continue", "TE: trailers, chunked",
        "Trailer: Remote-User", "X-HTTP-Method-Override: GET", "Max-Forwards: 0",
    ];

    private static readonly string[] RequestLines =
    [
        "{M} http://localhost:{P}{T} HTTP/1.1", "{M} http://evil.example{T} HTTP/1.1", "{M} https://localhost{T} HTTP/1.1",
        "{M} //localhost{T} HTTP/1.1", "{M} {T} HTTP/1.0", "{M} {T} HTTP/1.2", "{M} {T} HTTP/2.0", "{M} {T} HTTP/0.9",
        "{M} {T}", "{M}  {T} HTTP/1.1", "{M} {T}  HTTP/1.1", " {M} {T} HTTP/1.1", "{M}\t{T}\tHTTP/1.1", "{M} {T} HTTP/1.1 ", "{M} {T} http/1.1",
        "{M} {T} HTTP/1.1\nX: y", "{M} {T} HTTP/1.1\rX: y", "{M} {T} x HTTP/1.1",
        "{M} {T}\u0000 HTTP/1.1", "{M} {T}%0d%0aX:%20y HTTP/1.1", "{M}{T} HTTP/1.1", "\r\n{M} {T} HTTP/1.1", "\n{M} {T} HTTP/1.1",
        "\r{M} {T} HTTP/1.1", "{M} @evil.example{T} HTTP/1.1", "{M} *{T} HTTP/1.1", "{M} {T}#x HTTP/1.1",
        "{M}\u0000 {T} HTTP/1.1", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{M} {T} HTTP/1.1", "CONNECT localhost:{P} HTTP/1.1",
        "{M} {T} HTTP/1.1\r\nHost: evil.example", "{M} {T} HTTP/1.1\r\nHost : localhost", "{M} {T} HTTP/1.1\r\n Host: x",
    ];

    private static readonly string[] Ends =
    [
        "\r\n\r\n", "\n\n", "\r\n\n", "\n\r\n", "\r\r\n\r\n", "\r\n\r", "\r\n\t\r\n", "\r\n \r\n\r\n", "\r\n\u0000\r\n\r\n", "\r\n:\r\n\r\n",
        "\u2028\r\n\r\n", "\u0085\r\n\r\n",
    ];

    private static readonly string[] Paths =
    [
        "/static/base.css", "/favicon.ico", "/accounts/login/", "/gateway/sessions", "/gateway/session", "/dashboard", "/share/abc", "/api/token/",
    ];

    /// <param name="cookie">The `Cookie` line of somebody who is signed in.</param>
    public static IReadOnlyList<SmugglingPayload> All(int port, string cookie)
    {
        List<SmugglingPayload> all = [];
        Shape[] shapes = [.. Shapes()];
        foreach (string credentials in new[] { cookie, "" })
        {
            foreach (Shape shape in shapes)
            {
                all.Add(new SmugglingPayload(shape.Kind, shape.Write(port, all.Count, credentials)));
            }
        }

        return all;
    }

    private static IEnumerable<Shape> Shapes()
    {
        foreach (string encoding in Obfuscations)
        {
            yield return new("CL.TE", $"{{CL}}\r\n{encoding}", "0\r\n\r\n{S}");
            yield return new("TE.CL", $"{encoding}\r\nContent-Length: 4", "{L}\r\n{S}\r\n0\r\n\r\n");
            yield return new("TE alone", encoding, "5\r\nhello\r\n0\r\n\r\n{S}");
            yield return new("TE.TE", $"Transfer-Encoding: chunked\r\n{encoding}", "0\r\n\r\n{S}");
            yield return new("TE.TE", $"{encoding}\r\nTransfer-Encoding: identity", "0\r\n\r\n{S}");
        }

        foreach (string length in Lengths)
        {
            yield return new("CL alone", length, "hello{S}");
            yield return new("CL.CL", $"Content-Length: 5\r\n{length}", "hello{S}");
            yield return new("CL.CL", $"{length}\r\nContent-Length: 0", "hello{S}");
            yield return new("0.CL", length, "hello{S}", Method: "GET");
            yield return new("HEAD and OPTIONS with a body", length, "hello{S}", Method: length.Length % 2 == 0 ? "HEAD" : "OPTIONS");
        }

        foreach (string size in ChunkSizes)
        {
            yield return new("chunk size", "Transfer-Encoding: chunked", size + "\r\nhello\r\n0\r\n\r\n{S}");
            yield return new("last chunk", "Transfer-Encoding: chunked", "5\r\nhello\r\n0" + size[Math.Min(1, size.Length)..] + "\r\n\r\n{S}");
            yield return new("chunk data", "Transfer-Encoding: chunked", size + "\nhello\n0\n\n{S}");
        }

        foreach (string trailer in Trailers)
        {
            yield return new("trailer", "Transfer-Encoding: chunked\r\nTrailer: X", $"5\r\nhello\r\n0\r\n{trailer}\r\n\r\n{{S}}");
        }

        foreach (string list in Lists)
        {
            yield return new("hop by hop", list + "\r\nContent-Length: 5", "hello{S}");
            yield return new("hop by hop, chunked", list + "\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n{S}");
            yield return new("hop by hop without a body", list, "{S}", Method: "GET", Path: "/ws/status/");
        }

        foreach (string line in RequestLines)
        {
            yield return new("request line", "Content-Length: 5", "hello{S}", Line: line);
            yield return new("request line without a body", "X: y", "{S}", Method: "GET", Line: line);
        }

        foreach (string end in Ends)
        {
            yield return new("end of the head", "Content-Length: 5", "hello{S}", End: end);
            yield return new("end of the head, chunked", "Transfer-Encoding: chunked", "5\r\nhello\r\n0" + end + "{S}");
        }

        foreach (string path in Paths)
        {
            yield return new("CL.0", "{CL}", "{S}", Path: path);
            yield return new("CL.0 with GET", "{CL}", "{S}", Method: "GET", Path: path);
            yield return new("pipelined", "Content-Length: 0", "{S}", Path: path);
            yield return new("pipelined twice", "Content-Length: 0", "{S}{S}", Method: "GET", Path: path);
        }
    }

    /// <param name="Framing">Header lines that say where the body ends; {CL} is a length that takes in all that follows.</param>
    /// <param name="Body">{S} is the hidden request, {L} its length as a chunk's size.</param>
    private sealed record Shape(
        string Kind, string Framing, string Body, string Method = "POST", string Path = "/api/documents/", string Line = "{M} {T} HTTP/1.1",
            string End = "\r\n\r\n")
    {
        public string Write(int port, int number, string cookie)
        {
            string hidden = $"GET /api/users/?hidden={number} HTTP/1.1\r\nHost: localhost:{port}\r\nRemote-User: admin\r\n\r\n";
            string body = Body.Replace("{S}", hidden, StringComparison.Ordinal)
                .Replace("{L}", hidden.Length.ToString("x", CultureInfo.InvariantCulture), StringComparison.Ordinal);
            string line = Line.Replace("{M}", Method, StringComparison.Ordinal)
                .Replace("{T}", $"{Path}?open={number}", StringComparison.Ordinal)
                .Replace("{P}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            string framing = Framing.Replace("{CL}", $"Content-Length: {body.Length}", StringComparison.Ordinal);
            string last = $"GET /favicon.ico?last={number} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n";
            return $"{line}\r\nHost: localhost:{port}\r\n{cookie}{framing}{End}{body}{last}";
        }
    }
}
