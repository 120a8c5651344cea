using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Gateway.Tests.Kit;

namespace Gateway.Tests.WebSockets;

/// <summary>The status WebSocket of Paperless through the gateway.</summary>
public sealed class WebSocketTests : IAsyncLifetime
{
    private World _world = null!;
    private Visitor _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        _alice = await _world.SignedInAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task WebSocket_messages_and_the_close_are_forwarded_in_both_directions()
    {
        using ClientWebSocket socket = await OpenAsync();
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);

        await socket.SendAsync("from here"u8.ToArray(), WebSocketMessageType.Text, true, World.Ct);
        Assert.Equal("from here", await ReceiveAsync(socket));
        _world.Paperless.LiveStatus.Push("from there \u00fc");
        Assert.Equal("from there \u00fc", await ReceiveAsync(socket));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", World.Ct);

        await _world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        Assert.Equal(("alice", 101), (_world.Forwarded[^1].SignedInAs, _world.Forwarded[^1].Status));
        Assert.Empty(_world.Forwarded[^1].Lines("Remote-User"));
    }

    [Fact]
    public async Task A_WebSocket_of_a_user_with_an_umlaut_opens_at_a_server_that_refuses_such_headers()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Paperless = given => given with { StrictSocketHeaders = true };
            options.Provider = given => given with { People = [Gateway.StandIns.Provider.Person.Named("jürgen", "Jürgen Jäger", "paperless-users")] };
        });
        using Visitor visitor = await world.SignedInAsync("jürgen");
        Assert.Equal(["jürgen"], world.Forwarded[^1].Lines("Remote-User"));

        using SignOut.StatusSocket socket = await SignOut.StatusSocket.OpenAsync(world, visitor);
        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);

        Assert.Equal("jürgen", world.Forwarded[^1].SignedInAs);
    }

    [Fact]
    public async Task A_close_frame_of_Paperless_reaches_the_browser()
    {
        using ClientWebSocket socket = await OpenAsync();
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);

        _world.Paperless.LiveStatus.CloseAll();

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await CloseOfAsync(socket));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sessionid=none")]
    [InlineData("paperless-gateway=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_WebSocket_without_a_session_is_refused(string cookie)
    {
        _world.Paperless.ForgetReceived();
        foreach (string path in (string[])["/ws/status/", "/static/signin.css", "/accounts/password/reset/", "/admin/login/", "/dashboard"])
        {
            using ClientWebSocket socket = new();
            socket.Options.CollectHttpResponseDetails = true;
            socket.Options.SetRequestHeader("Cookie", cookie);
            await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri($"ws://localhost:{_world.Port}{path}"), World.Ct));
            Assert.True(socket.HttpStatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, $"{path}: {socket.HttpStatusCode}");
        }

        Assert.Empty(_world.Forwarded);
    }

    [Theory]
    [InlineData("/ws/status/")]
    [InlineData("/api/status/")]
    public async Task A_token_opens_no_WebSocket(string path)
    {
        using ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Authorization", "Token " + _world.Paperless.Data.AdminToken);

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri($"ws://localhost:{_world.Port}{path}"), World.Ct));
    }

    [Fact]
    public async Task A_WebSocket_refused_by_Paperless_is_refused_with_the_same_status()
    {
        using ClientWebSocket socket = new();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Cookie", $"paperless-gateway={_alice.Cookie("paperless-gateway")}");

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri($"ws://localhost:{_world.Port}/ws/status/"), World.Ct));

        Assert.Equal(HttpStatusCode.Forbidden, socket.HttpStatusCode);
    }

    [Fact]
    public async Task Large_fragmented_WebSocket_messages_arrive_complete()
    {
        using ClientWebSocket socket = await OpenAsync();
        string text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(2_000_000));
        byte[] bytes = Encoding.ASCII.GetBytes(text);

        Task<string> received = ReceiveAsync(socket);
        for (int start = 0; start < bytes.Length; start += 70_001)
        {
            int length = Math.Min(70_001, bytes.Length - start);
            await socket.SendAsync(bytes.AsMemory(start, length), WebSocketMessageType.Text, start + length == bytes.Length, World.Ct);
        }

        Assert.Equal(text, await received);
    }

    [Fact]
    public async Task WebSockets_close_with_1008_when_their_session_ends_and_others_stay_open()
    {
        using Visitor bob = await _world.SignedInAsync("bob");
        using Visitor alicesPhone = await _world.SignedInAsync("alice");
        using ClientWebSocket first = await OpenAsync();
        using ClientWebSocket second = await OpenAsync();
        using ClientWebSocket bobs = await OpenAsync(bob);
        using ClientWebSocket phone = await OpenAsync(alicesPhone);
        await _world.Paperless.LiveStatus.ListenersAreAsync(4, World.Ct);

        await _alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Equal([WebSocketCloseStatus.PolicyViolation, WebSocketCloseStatus.PolicyViolation], [await CloseOfAsync(first), await CloseOfAsync(second)]);
        await _world.Paperless.LiveStatus.ListenersAreAsync(2, World.Ct);
        _world.Paperless.LiveStatus.Push("still here");
        Assert.Equal(["still here", "still here"], [await ReceiveAsync(bobs), await ReceiveAsync(phone)]);
    }

    [Fact]
    public async Task WebSockets_close_with_1008_when_their_session_expires()
    {
        using ClientWebSocket socket = await OpenAsync();

        _world.Clock.Advance(TimeSpan.FromHours(25));

        Assert.Equal(WebSocketCloseStatus.PolicyViolation, await CloseOfAsync(socket));
    }

    [Fact]
    public async Task WebSockets_close_with_1001_when_the_gateway_stops()
    {
        using ClientWebSocket socket = await OpenAsync();
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        Task<WebSocketCloseStatus?> close = CloseOfAsync(socket);

        await _world.Gateway.DisposeAsync();

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, await close);
        await _world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
    }

    [Fact]
    public async Task A_WebSocket_whose_browser_does_not_answer_the_close_is_aborted()
    {
        using RawConnection connection = await OpenRawAsync();
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);

        await _alice.OpenAsync("/accounts/logout/", "same-origin");
        Assert.Equal("\u0088\u0002\u0003\u00f0", await connection.ReadTextAsync(4));
        _world.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("", await connection.ReadToEndAsync());
        await _world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
    }

    [Fact]
    public async Task A_WebSocket_whose_browser_reads_nothing_is_aborted_when_its_session_ends()
    {
        using RawConnection connection = await OpenRawAsync();
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        string megabyte = new('x', 1_000_000);
        for (int i = 0; i < 40; i++)
        {
            _world.Paperless.LiveStatus.Push(megabyte);
        }

        await _alice.OpenAsync("/accounts/logout/", "same-origin");
        _world.Clock.Advance(TimeSpan.FromSeconds(2));

        await _world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u0081")]
    [InlineData("\u0081\u00fe\u0010\u0000mask and a part of what was announced")]
    public async Task A_browser_that_disconnects_inside_a_WebSocket_frame_leaves_no_open_connection(string begun)
    {
        using RawConnection connection = await OpenRawAsync();
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        await connection.SendAsync(begun);

        connection.Dispose();

        await _world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
        await _world.Log.WaitForAsync("Request", line => CapturedLog.Value(line, "Path") == "/ws/status/");
        Assert.Empty(_world.Log.Of("RequestFailed"));
    }

    [Fact]
    public async Task A_WebSocket_ends_when_Paperless_disconnects()
    {
        using ClientWebSocket socket = await OpenAsync();
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        Task<WebSocketCloseStatus?> close = CloseOfAsync(socket);

        await _world.Paperless.DisposeAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => close);
    }

    [Fact]
    public async Task WebSockets_over_HTTP2_work_as_over_HTTP1()
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        using Visitor alice = await world.SignedInAsync("alice");
        using ClientWebSocket socket = await OpenOverHttp2Async(world, alice, world.Origin);
        await socket.SendAsync("over two"u8.ToArray(), WebSocketMessageType.Text, true, World.Ct);

        Assert.Equal("over two", await ReceiveAsync(socket));
        await alice.OpenAsync("/accounts/logout/", "same-origin");
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, await CloseOfAsync(socket));
        await world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
    }

    [Fact]
    public async Task Over_HTTP2_a_cross_site_WebSocket_and_one_without_a_session_are_refused()
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor nobody = world.NewVisitor();
        world.Paperless.ForgetReceived();

        await Assert.ThrowsAsync<WebSocketException>(() => OpenOverHttp2Async(world, nobody, world.Origin));
        await Assert.ThrowsAsync<WebSocketException>(() => OpenOverHttp2Async(world, alice, "https://evil.example"));

        Assert.Empty(world.Forwarded);
    }

    private Task<ClientWebSocket> OpenAsync() => OpenAsync(_alice);

    private async Task<ClientWebSocket> OpenAsync(Visitor visitor)
    {
        ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Cookie", visitor.Cookies.GetCookieHeader(new Uri(_world.Origin)));
        socket.Options.SetRequestHeader("Origin", _world.Origin);
        await socket.ConnectAsync(new Uri($"ws://localhost:{_world.Port}/ws/status/"), World.Ct);
        return socket;
    }

    private static async Task<ClientWebSocket> OpenOverHttp2Async(World world, Visitor visitor, string origin)
    {
        ClientWebSocket socket = new();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        socket.Options.SetRequestHeader("Origin", origin);
        await socket.ConnectAsync(new Uri($"wss://localhost:{world.Port}/ws/status/"), visitor.Http, World.Ct);
        return socket;
    }

    private async Task<RawConnection> OpenRawAsync()
    {
        RawConnection connection = await RawConnection.OpenAsync(_world.Port);
        await connection.SendAsync($"GET /ws/status/ HTTP/1.1\r\nHost: localhost:{_world.Port}\r\nCookie: "
            + $"{_alice.Cookies.GetCookieHeader(new Uri(_world.Origin))}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
            + "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 101 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        return connection;
    }

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        using MemoryStream text = new();
        byte[] buffer = new byte[100_000];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, World.Ct).InTimeAsync("A message comes through the WebSocket.");
            text.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);

        return Encoding.UTF8.GetString(text.ToArray());
    }

    private static async Task<WebSocketCloseStatus?> CloseOfAsync(ClientWebSocket socket)
    {
        WebSocketReceiveResult part = await socket.ReceiveAsync(new byte[1000], World.Ct).InTimeAsync("The WebSocket is closed.");
        Assert.Equal(WebSocketMessageType.Close, part.MessageType);
        await socket.CloseOutputAsync(part.CloseStatus!.Value, null, World.Ct);
        return part.CloseStatus;
    }
}
