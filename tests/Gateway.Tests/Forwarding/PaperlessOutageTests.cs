using System.Net;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Forwarding;

/// <summary>Paperless is down, slow or breaks off; and browsers that disconnect.</summary>
public sealed class PaperlessOutageTests
{
    [Fact]
    public async Task While_Paperless_is_down_a_person_gets_a_page_and_a_script_problem_json_with_the_logged_trace_id()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.Paperless.DisposeAsync();

        Page page = await alice.OpenAsync("/dashboard");
        Page script = await alice.FetchAsync("/api/documents/");
        Page upload = await alice.FetchAsync(HttpMethod.Post, "/api/documents/post_document/", new ByteArrayContent(new byte[100_000]));

        Assert.Equal(
            (HttpStatusCode.BadGateway, "text/html", "5"),
            (page.Status, page.Response.Content.Headers.ContentType?.MediaType, page.Header("Retry-After")));
        Assert.Equal("5", page.Header("Refresh"));
        Assert.Equal("no-store", page.Header("Cache-Control"));
        Assert.Equal(
            (HttpStatusCode.BadGateway, "application/problem+json", "5"),
            (script.Status, script.Response.Content.Headers.ContentType?.MediaType, script.Header("Retry-After")));
        Assert.Equal(HttpStatusCode.BadGateway, upload.Status);
        foreach (Page refused in (Page[])[page, script, upload])
        {
            Assert.Contains(world.Log.Of("Refused"), line => refused.Text.Contains(CapturedLog.Value(line, "TraceId"), StringComparison.Ordinal));
            Assert.Contains(world.Log.Of("ForwardingFailed"), line => refused.Text.Contains(CapturedLog.Value(line, "TraceId"), StringComparison.Ordinal));
        }

        Assert.Empty(world.Log.Of("RequestFailed"));
    }

    [Fact]
    public async Task Paperless_is_reachable_at_once_after_an_outage()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.Paperless.DisposeAsync();
        Assert.Equal(HttpStatusCode.BadGateway, (await alice.FetchAsync("/dashboard")).Status);

        await using StandInPaperless again = await StandInPaperless.StartAsync(
            world.Paperless.Options with { Url = world.Paperless.Address.GetLeftPart(UriPartial.Authority) },
            World.Ct);

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/dashboard")).Status);
    }

    [Fact]
    public async Task A_request_that_Paperless_does_not_answer_times_out()
    {
        await using World world = await StartImpatientAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault hold = world.Paperless.Faults.Hold(_ => true);

        Page page = await alice.OpenAsync("/dashboard");
        Page script = await alice.FetchAsync("/api/documents/");
        Page upload = await alice.FetchAsync(HttpMethod.Post, "/api/documents/post_document/", new ByteArrayContent(new byte[20_000_000]));
        Page spooled = await alice.FetchAsync(
            HttpMethod.Post,
            "/api/documents/post_document/",
            PaperlessClient.Chunked(new string('x', 3_000_000), "text/plain"));
        using Fault unopened = world.Paperless.Faults.Hold(request => request.RawPath == "/ws/status/");
        Task<Page> opening = alice.SendAsync(
            HttpMethod.Get,
            "/ws/status/",
            null,
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="));
        await unopened.StruckAsync(World.Ct);
        world.Clock.Advance(TimeSpan.FromMilliseconds(400));
        Page socket = await opening;

        Assert.All((Page[])[page, script, upload, spooled, socket], slow => Assert.Equal(HttpStatusCode.GatewayTimeout, slow.Status));
        Assert.Contains("Paperless takes too long", page.Text, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"paperless_slow\"", script.Text, StringComparison.Ordinal);
        await hold.LeftAsync(World.Ct);
    }

    [Fact]
    public async Task A_response_that_stalls_is_aborted()
    {
        await using World world = await StartImpatientAsync();
        world.Paperless.Chat = new ScriptedStream();
        world.Paperless.Chat.Send("first");
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);
        await connection.SendAsync($"POST /api/documents/chat/ HTTP/1.1\r\nHost: localhost:{world.Port}\r\nAuthorization: Token "
            + $"{world.Paperless.Data.AdminToken}\r\nContent-Length: 0\r\n\r\n");

        string answer = await connection.ReadToEndAsync();

        Assert.EndsWith("5\r\nfirst\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_response_that_Paperless_aborts_is_aborted_for_the_browser_too()
    {
        using RawUpstream upstream = RawUpstream.Answering(head => System.Text.Encoding.ASCII.GetBytes(
            head.Contains("chunked", StringComparison.Ordinal)
                ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
                : "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst"));
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_UPSTREAM_URL"] = upstream.Address);
        using Visitor program = world.NewVisitor();

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => program.SendAsync(HttpMethod.Get, "/static/sized.css"));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => program.SendAsync(HttpMethod.Get, "/static/chunked.css"));
        string raw = await RawConnection.AskAsync(world, $"GET /static/chunked.css HTTP/1.1\r\nHost: localhost:{world.Port}\r\n\r\n");

        Assert.DoesNotContain("\r\n0\r\n", raw, StringComparison.Ordinal);
        Assert.Empty(world.Log.Of("RequestFailed"));
    }

    [Theory]
    [InlineData("", "paperless_away")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le", "paperless_away")]
    [InlineData("nonsense\r\n\r\n", "paperless_other")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "paperless_other")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "paperless_other")]
    public async Task A_malformed_response_of_Paperless_becomes_502(string answer, string code)
    {
        using RawUpstream upstream = RawUpstream.Answering(answer);
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_UPSTREAM_URL"] = upstream.Address);
        using Visitor program = world.NewVisitor();

        Page page = await program.SendAsync(HttpMethod.Post, "/api/token/", new StringContent("x"));

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains($"\"code\":\"{code}\"", page.Text, StringComparison.Ordinal);
        Assert.Contains($"{upstream.Address.TrimEnd('/')}/api/token/", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_browser_that_disconnects_cancels_its_request_at_Paperless()
    {
        await using World world = await World.StartAsync();
        using Fault hold = world.Paperless.Faults.Hold(request => request.RawPath == "/api/documents/");
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);
        await connection.SendAsync(
            $"GET /api/documents/ HTTP/1.1\r\nHost: localhost:{world.Port}\r\nAuthorization: Token {world.Paperless.Data.AdminToken}\r\n\r\n");
        await hold.ArrivedAsync(World.Ct);

        connection.BreakOff();

        await hold.LeftAsync(World.Ct);
        await world.Log.WaitForAsync("Request");
        Assert.Empty(world.Log.Of("RequestFailed"));
        Assert.Empty(world.Log.Of("ForwardingFailed"));
    }

    private static Task<World> StartImpatientAsync() => World.StartAsync(options =>
        options.Services = services => services.AddSingleton(new ForwardingTimeouts(Response: TimeSpan.FromMilliseconds(400))));
}
