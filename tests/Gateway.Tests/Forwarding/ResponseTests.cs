using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Forwarding;

/// <summary>Responses of Paperless reach the browser unchanged.</summary>
public sealed class ResponseTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private World World => shared.World;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_537)]
    [InlineData(3_000_001)]
    public async Task A_download_arrives_byte_for_byte_with_its_Content_Length(int size)
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await alice.FetchAsync($"/api/documents/big/download/?bytes={size}");
        byte[] content = await page.Response.Content.ReadAsByteArrayAsync(World.Ct);

        Assert.Equal(size, page.Response.Content.Headers.ContentLength);
        Assert.Equal(Enumerable.Range(0, size).Select(index => (byte)(index % DocumentFiles.BigDownloadPeriod)), content);
    }

    [Fact]
    public async Task Range_HEAD_and_conditional_requests_work_as_without_the_gateway()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        byte[] document = World.Paperless.Data.FindDocument(2)!.Content;

        Page whole = await alice.FetchAsync("/api/documents/2/download/");
        Page part = await alice.FetchAsync(HttpMethod.Get, "/api/documents/2/download/", null, ("Range", "bytes=1-3"));
        Page beyond = await alice.FetchAsync(HttpMethod.Get, "/api/documents/2/download/", null, ("Range", "bytes=99999999-"));
        Page head = await alice.FetchAsync(HttpMethod.Head, "/api/documents/2/download/");
        Page same = await alice.FetchAsync(HttpMethod.Get, "/api/documents/2/download/", null, ("If-None-Match", whole.Header("ETag")!));

        Assert.Equal(document, await whole.Response.Content.ReadAsByteArrayAsync(World.Ct));
        Assert.Equal((HttpStatusCode.PartialContent, "PDF", $"bytes 1-3/{document.Length}"), (part.Status, part.Text, part.Header("Content-Range")));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, beyond.Status);
        Assert.Equal((HttpStatusCode.OK, document.Length, 0), (head.Status, (int?)head.Response.Content.Headers.ContentLength, head.Text.Length));
        Assert.Equal((HttpStatusCode.NotModified, whole.Header("ETag"), ""), (same.Status, same.Header("ETag"), same.Text));
    }

    [Fact]
    public async Task Compressed_responses_are_forwarded_unchanged()
    {
        byte[] plain = RandomNumberGenerator.GetBytes(5000);
        using MemoryStream zipped = new();
        await using (GZipStream zip = new(zipped, CompressionLevel.Fastest, leaveOpen: true))
        {
            await zip.WriteAsync(plain, World.Ct);
        }

        using RawUpstream upstream = RawUpstream.Answering(_ => [.. Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nVary: "
            + $"Accept-Encoding\r\nContent-Type: application/json\r\nContent-Length: {zipped.Length}\r\nConnection: close\r\n\r\n"), .. zipped.ToArray()]);
        await using World world = await BeforeAsync(upstream);
        using Visitor program = world.NewVisitor();

        Page page = await program.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Token x"), ("Accept-Encoding", "gzip, br, zstd"));

        Assert.Equal(zipped.ToArray(), await page.Response.Content.ReadAsByteArrayAsync(World.Ct));
        Assert.Equal(("gzip", "Accept-Encoding"), (page.Header("Content-Encoding"), page.Header("Vary")));
        Assert.Contains(
            "Accept-Encoding: gzip, br, zstd\r\n",
            Assert.Single(upstream.Heads, head => head.StartsWith("GET /api/documents/", StringComparison.Ordinal)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_headers_are_forwarded_in_Latin_1_with_every_repetition_except_hop_by_hop_headers()
    {
        using RawUpstream upstream = RawUpstream.Answering("HTTP/1.1 299 Quite Fine\r\nX-Name: M\u00fcller \u00e9\u00ff\r\nLink: <a>\r\nLink: "
            + "<b>\r\nSet-Cookie: csrftoken=1; Path=/\r\nSet-Cookie: other=\"a b\"; Path=/\r\nContent-Disposition: attachment; "
            + "filename=\"\u00dcber.pdf\"\r\nServer: paperless\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nContent-Length: "
            + "0\r\nConnection: close\r\n\r\n");
        await using World world = await BeforeAsync(upstream);

        string answer = await RawConnection.AskAsync(
            world,
            $"GET /accounts/password/reset/ HTTP/1.1\r\nHost: localhost:{world.Port}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 299 Quite Fine\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("X-Name: M\u00fcller \u00e9\u00ff\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("Link: <a>\r\nLink: <b>\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("Set-Cookie: csrftoken=1; Path=/\r\nSet-Cookie: other=\"a b\"; Path=/\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("filename=\"\u00dcber.pdf\"\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Keep-Alive", answer, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Proxy-Authenticate", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Request_headers_and_paths_are_forwarded_unchanged()
    {
        using Visitor program = World.NewVisitor();
        World.Paperless.ForgetReceived();

        await RawConnection.AskAsync(World, "GET /api/documents/?q=%e4%C4+%20a&x=\u0022'[]|^&y=//../ HTTP/1.1\r\nHost: "
            + $"LOCALHOST:{World.Port}\r\nAuthorization: Token {World.Paperless.Data.AdminToken}\r\nX-Name: M\u00fcller\r\nAccept: a/b\r\nAccept: "
            + "c/d;q=0.5\r\nUser-Agent: (odd)) agent\r\nReferer: :::\r\nDate: never\r\nIf-Modified-Since: ?\r\nX-Empty:\r\nConnection: close\r\n\r\n");

        ReceivedRequest received = Assert.Single(World.Forwarded);
        Assert.Equal("/api/documents/?q=%e4%C4+%20a&x=\"'[]|^&y=//../", received.RawTarget);
        Assert.Equal(["M\u00fcller"], received.Lines("X-Name"));
        Assert.Equal(["(odd)) agent"], received.Lines("User-Agent"));
        Assert.Equal(["never", "?", ":::"], [.. received.Lines("Date"), .. received.Lines("If-Modified-Since"), .. received.Lines("Referer")]);
        Assert.Equal("a/b, c/d;q=0.5", received.Header("Accept")!.Replace(",c", ", c", StringComparison.Ordinal));
        Assert.Equal([$"localhost:{World.Port}"], received.Lines("Host"));
    }

    [Fact]
    public async Task A_page_of_a_session_is_not_cached_and_a_static_file_as_Paperless_says()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await alice.OpenAsync("/dashboard");
        Page file = await alice.OpenAsync("/static/signin.css");

        Assert.Equal("no-store", page.Header("Cache-Control"));
        Assert.Equal("public, max-age=60", file.Header("Cache-Control"));
    }

    [Fact]
    public async Task Chat_answers_and_events_are_streamed_piece_by_piece()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        ScriptedStream script = World.Paperless.Chat = new ScriptedStream();
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);
        await connection.SendAsync($"POST /api/documents/chat/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: Token "
            + $"{World.Paperless.Data.AdminToken}\r\nContent-Length: 2\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{{}}");

        script.Send("first");
        await connection.ReadHeadAsync();
        Assert.Equal("5\r\nfirst\r\n", await connection.ReadTextAsync(10));
        script.Send("second");
        Assert.Equal("6\r\nsecond\r\n", await connection.ReadTextAsync(11));
        script.End();
        Assert.Equal("0\r\n\r\n", await connection.ReadToEndAsync());
    }

    [Fact]
    public async Task Server_sent_events_arrive_immediately_and_end_when_the_client_disconnects()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);
        await connection.SendAsync(
            $"GET /api/stand-in/events/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: Token {World.Paperless.Data.AdminToken}\r\n\r\n");
        await connection.ReadHeadAsync();
        Assert.Equal("d\r\ndata: ready\n\n\r\n", await connection.ReadTextAsync(18));

        await World.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        World.Paperless.LiveStatus.Push("hello");
        Assert.Equal("d\r\ndata: hello\n\n\r\n", await connection.ReadTextAsync(18));

        connection.Dispose();
        await World.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
    }

    [Fact]
    public async Task Requests_and_bodies_over_HTTP2_work_as_over_HTTP1()
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        using Visitor alice = world.NewVisitor(HttpVersion.Version20);
        await alice.SignInAsync("alice");

        Page page = await alice.FetchAsync("/api/documents/big/download/?bytes=300000");
        Page patch = await alice.FetchAsync(HttpMethod.Patch, "/api/documents/1/", PaperlessClient.Chunked("""{"title":"Over two"}""", "application/json"));
        Page refused = await alice.FetchAsync(HttpMethod.Post, "/api/documents/1/", null, ("Sec-Fetch-Site", "cross-site"));

        Assert.Equal((HttpVersion.Version20, 300_000L), (page.Response.Version, page.Response.Content.Headers.ContentLength));
        Assert.Equal((HttpStatusCode.OK, "Over two"), (patch.Status, world.Paperless.Data.FindDocument(1)!.Title));
        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Equal(["alice"], world.Forwarded[^1].Lines("Remote-User"));
    }

    private static Task<World> BeforeAsync(RawUpstream upstream) => World.StartAsync(options => options.Settings["GATEWAY_UPSTREAM_URL"] = upstream.Address);
}
