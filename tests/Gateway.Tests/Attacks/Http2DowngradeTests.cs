using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>What HTTP/2 can carry and HTTP/1.1 cannot does not become another request at Paperless.</summary>
[Trait("Category", "Attacks")]
public sealed class Http2DowngradeTests(WatchedWorld watched) : IClassFixture<WatchedWorld>
{
    private const string Smuggled = "\r\n\r\nGET /api/users/?hidden HTTP/1.1\r\nRemote-User: admin\r\n\r\n";

    [Fact]
    public async Task Over_HTTP2_Paperless_receives_only_the_requests_that_the_gateway_decided_on()
    {
        World world = watched.Secure;
        using Visitor alice = await world.SignedInAsync("alice");
        string cookie = alice.Cookies.GetCookieHeader(new Uri(world.Origin));
        world.Paperless.ForgetReceived();
        IReadOnlyList<(string Name, string Value)[]> requests = [.. Requests($"localhost:{world.Port}")];

        Dictionary<int, int> statuses = [];
        for (int i = 0; i < requests.Count; i++)
        {
            foreach ((string, string)[] credentials in new[] { [("cookie", cookie)], Array.Empty<(string, string)>() })
            {
                using Http2Connection connection = await Http2Connection.OpenAsync(world.Port);
                string number = $"{i}{(credentials.Length > 0 ? "a" : "b")}";
                (string, string)[] headers =
                [
                    .. requests[i].Select(header => (header.Name, header.Value.Replace("{I}", number, StringComparison.Ordinal))),
                    .. credentials,
                ];
                await connection.SendAsync(
                    new Http2Frame(Http2Frame.Headers, Http2Frame.EndHeaders, 1, Http2Connection.Block(headers)),
                    new Http2Frame(Http2Frame.Data, Http2Frame.EndStream, 1, "hello"u8.ToArray()));
                int status = await connection.StatusAsync(1);
                statuses[status] = statuses.GetValueOrDefault(status) + 1;
            }
        }

        await SmugglingMatrixTests.SettleAsync(watched.DecidedSecure);
        int judged = SmugglingMatrixTests.Judge(world, watched.DecidedSecure);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{requests.Count * 2} requests: {string.Join(", ", statuses.OrderBy(status => status.Key).Select(status => $"{status.Value} × {status.Key}"))}; "
            + $"{judged} at Paperless");
        Assert.DoesNotContain(world.Forwarded, request => request.RawTarget.Contains("hidden", StringComparison.Ordinal));
        Assert.InRange(requests.Count * 2, 120, int.MaxValue);
        Assert.InRange(judged, 5, int.MaxValue);
        Assert.Contains(world.Forwarded, request => request is { SignedInAs: "alice", BodyLength: 5 });
        Assert.Equal("alice", await alice.WhoAsync());
    }

    private static IEnumerable<(string Name, string Value)[]> Requests(string authority)
    {
        (string Name, string Value)[] genuine = [(":method", "POST"), (":scheme", "https"), (":authority", authority), (":path", "/api/documents/?n={I}")];
        yield return genuine;
        foreach (string value in new[] { "5", "0", "4", "6", "100", "-1", "+5", "5,5", "", "05", " 5", "5\r\nx: y", "99999999999999999999" })
        {
            yield return [.. genuine, ("content-length", value)];
            yield return [.. genuine, ("content-length", "5"), ("content-length", value)];
        }

        foreach (string name in new[]
        {
            "transfer-encoding", "connection", "keep-alive", "proxy-connection", "upgrade", "te", "host", "expect", "remote-user", "remote_user",
            "remote.user", "x-forwarded-for", "Remote-User", "http2-settings",
            "remote-user ", " remote-user", "remote-user:", "x\r\nremote-user", "x: y\r\nremote-user", "", ":", ":x", ":status", ":path",
            ":authority", ":protocol", "x\u0000", "x\ny", "x y", "\u00e9", "transfer_encoding", "content_length",
        })
        {
            yield return [.. genuine, (name, "chunked")];
            yield return [.. genuine, (name, $"admin{Smuggled}")];
        }

        foreach (string method in new[]
        {
            "POST / HTTP/1.1\r\nx: ", "GET /api/users/?hidden HTTP/1.1\r\n\r\nPOST", "", "PO ST", "POST\r\n", "post", "CONNECT", "TRACE", "PRI",
            "P\u0000T", "\u00e9",
        })
        {
            yield return [(":method", method), .. genuine[1..]];
        }

        foreach (string path in new[]
        {
            "", "*", "/x HTTP/1.1" + Smuggled, "/x\r\ny", "/x y?n={I}", "/x\u0000", "http://evil.example/?n={I}", "//evil.example/?n={I}",
            "/#?n={I}", "/\\?n={I}", "/%2e/?n={I}", "/a;b?n={I}", "x", "?n={I}", "/\u00e9?n={I}", "/%00?n={I}", "/?n={I}\r\n",
        })
        {
            yield return [genuine[0], genuine[1], genuine[2], (":path", path)];
            yield return [genuine[0], genuine[1], genuine[2], (":path", path), (":path", "/dashboard?n={I}")];
        }

        foreach (string host in new[]
        {
            "", "evil.example", authority + Smuggled, authority + " x", authority + "/x", "a@" + authority, authority + "\u0000", "[::1",
            "localhost:99999",
        })
        {
            yield return [genuine[0], genuine[1], (":authority", host), genuine[3]];
            yield return [.. genuine, ("host", host)];
        }

        foreach (string scheme in new[] { "", "http", "ftp", "https://evil.example/?", "https\r\nx", "javascript" })
        {
            yield return [genuine[0], (":scheme", scheme), genuine[2], genuine[3]];
        }

        yield return genuine[1..];
        yield return genuine[..3];
        yield return [("x", "before"), .. genuine];
    }
}
