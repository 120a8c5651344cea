using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>Requests whose end two parsers could see in different places are refused, or reach Paperless as one request.</summary>
public sealed class SmugglingTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private const string Smuggled = "GET /api/users/?smuggled HTTP/1.1\r\nHost: localhost\r\nRemote-User: admin\r\n\r\n";

    private World World => shared.World;

    public static TheoryData<string> Framings => new(
        $"Content-Length: {Smuggled.Length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        $"Transfer-Encoding: chunked\r\nContent-Length: {Smuggled.Length}\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + Smuggled.PadRight(0x5c) + "\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        "Content-Length: 5, 0\r\n\r\n",
        "Content-Length: 0, 0\r\n\r\n",
        "Content-Length: +0\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 0x10\r\n\r\n",
        "Content-Length: 99999999999999999999\r\n\r\n",
        "Content-Length : 0\r\n\r\n",
        "Content-Length:\r\n\r\n",
        "Transfer-Encoding: identity\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer_Encoding: chunked\r\n\r\n",
        "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 7\r\nRemote-User: admin\r\n\r\n",
        "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");

    [Theory]
    [MemberData(nameof(Framings))]
    public async Task No_second_request_is_smuggled_behind_a_request(string framing)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();
        int before = Seen();

        string smuggled = Smuggled.Replace("localhost", $"localhost:{World.Port}", StringComparison.Ordinal);
        string answer = await RawConnection.AskAsync(
            World,
            $"POST /api/documents/1/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\n"
            + $"Cookie: paperless-gateway={alice.Cookie("paperless-gateway")}\r\n{framing}{smuggled}"
            + $"GET /favicon.ico HTTP/1.1\r\nHost: localhost:{World.Port}\r\nConnection: close\r\n\r\n");

        // What reaches Paperless is what the gateway itself saw and decided on, one for one; nobody is somebody else.
        Assert.DoesNotContain(World.Forwarded, received => received.SignedInAs is not (null or "alice"));
        Assert.DoesNotContain(World.Forwarded, received => received.Lines("Remote-User") is not ([] or ["alice"]));
        Assert.DoesNotContain(World.Forwarded, received => received.RawTarget.Contains("smuggled", StringComparison.Ordinal));
        Assert.All(World.Forwarded, received => Assert.Empty(received.Lines("Transfer-Encoding")));
        int answered = RawConnection.Statuses(answer).Count(status => status != 100);
        Assert.InRange(World.Forwarded.Count, 0, Math.Min(2, answered));
        Assert.InRange(Seen() - before, 0, 3);
    }

    [Theory]
    [InlineData("GET http://localhost/dashboard HTTP/1.1", 400)]
    [InlineData("GET //evil.example/ HTTP/1.1", 400)]
    [InlineData("GET /dashboard HTTP/1.1 HTTP/1.1", 400)]
    [InlineData("GET  /dashboard HTTP/1.1", 400)]
    [InlineData("GET\t/dashboard HTTP/1.1", 400)]
    [InlineData("GET /dash\x80oard HTTP/1.1", 400)]
    [InlineData("* /dashboard HTTP/1.1", 401)]
    [InlineData("OPTIONS * HTTP/1.1", 400)]
    [InlineData("GET /dashboard HTTP/0.9", 505)]
    public async Task A_malformed_request_line_is_not_forwarded(string line, int status)
    {
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(World, $"{line}\r\nHost: localhost:{World.Port}\r\nConnection: close\r\n\r\n");

        Assert.Equal(status, Assert.Single(RawConnection.Statuses(answer)));
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Host: localhost:1\r\nHost: localhost:2\r\n")]
    [InlineData("Host: a b\r\n")]
    [InlineData("Host: localhost/x\r\n")]
    public async Task A_malformed_Host_header_is_not_forwarded(string host)
    {
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(World, $"GET /favicon.ico HTTP/1.1\r\n{host}Connection: close\r\n\r\n");

        Assert.Equal(400, Assert.Single(RawConnection.Statuses(answer)));
        Assert.Empty(World.Forwarded);
    }

    /// <summary>How many requests the gateway saw, but for the page that a sign-in ends on: its line may come after its answer.</summary>
    private int Seen() => World.Log.Of("Request").Count(line => CapturedLog.Value(line, "Path") != "/");
}
