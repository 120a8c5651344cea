using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>Forwarding headers (`X-Forwarded-*`) and hop-by-hop headers.</summary>
public sealed class ForwardedAddressTests
{
    private static readonly (string Name, string Value)[] Lies =
    [
        ("X-Forwarded-For", "203.0.113.9, 10.0.0.1"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Prefix", "/x"), ("X-Forwarded-Server", "x"), ("Forwarded", "for=203.0.113.9;host=evil.example;proto=gopher"),
        ("X-Real-IP", "203.0.113.9"),
        ("X_Forwarded_Host", "evil.example"), ("X-Script-Name", "/x"), ("X-Original-URL", "/admin/"), ("X-Rewrite-URL", "/admin/"),
    ];

    [Theory]
    [InlineData(null, "127.0.0.1")]
    [InlineData("192.0.2.1", "127.0.0.1")]
    [InlineData("127.0.0.0/8,::1", "10.0.0.1")]
    [InlineData("127.0.0.0/8,::1,10.0.0.0/8", "203.0.113.9")]
    public async Task Forwarded_headers_are_read_from_trusted_proxies_only_and_are_never_passed_on(string? trusted, string address)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_TRUSTED_PROXIES"] = trusted);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        (string, string)[] lies = trusted?.StartsWith("127", StringComparison.Ordinal) == true ? [.. Lies.Where(lie => lie.Name != "X-Forwarded-Host")] : Lies;
        await alice.OpenAsync("/dashboard", "none", lies);

        ReceivedRequest received = Assert.Single(world.Forwarded);
        Assert.Equal([address == "127.0.0.1" ? Loopback(received) : address], received.Lines("X-Forwarded-For"));
        Assert.Equal([$"localhost:{world.Port}"], received.Lines("X-Forwarded-Host"));
        Assert.Equal(["http"], received.Lines("X-Forwarded-Proto"));
        Assert.Equal([$"localhost:{world.Port}"], received.Lines("Host"));
        Assert.DoesNotContain(received.Headers, line => line.Value.Contains("evil", StringComparison.Ordinal)
            || line.Value.Contains("gopher", StringComparison.Ordinal)
            || line.Value == "/x"
            || line.Value == "/admin/");
    }

    [Fact]
    public async Task The_forwarded_host_of_a_trusted_proxy_counts_as_the_requested_host()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1");
        using Visitor nobody = world.NewVisitor();

        Page elsewhere = await nobody.SendAsync(HttpMethod.Get, "/favicon.ico", null, ("X-Forwarded-Host", "evil.example"));
        string here = await RawConnection.AskAsync(
            world,
            $"GET /favicon.ico HTTP/1.1\r\nHost: gateway.internal:8080\r\nX-Forwarded-Host: localhost:{world.Port}\r\nConnection: close\r\n\r\n");

        Assert.Equal((HttpStatusCode)421, elsewhere.Status);
        Assert.StartsWith("HTTP/1.1 200 ", here, StringComparison.Ordinal);
        Assert.Equal([$"localhost:{world.Port}"], Assert.Single(world.Forwarded).Lines("Host"));
    }

    [Fact]
    public async Task Hop_by_hop_headers_are_not_forwarded()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        await RawConnection.AskAsync(world, $"GET /dashboard HTTP/1.1\r\nHost: localhost:{world.Port}\r\nCookie: "
            + $"paperless-gateway={alice.Cookie("paperless-gateway")}\r\nConnection: X-Secret ,x-other,Content-Length\r\nConnection: "
            + "X-Third\r\nX-Secret: 1\r\nX-Other: 2\r\nX-Third: 3\r\nX-Kept: 4\r\nKeep-Alive: timeout=5\r\nProxy-Connection: "
            + "keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: trailers\r\nTrailer: X\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\nGET / "
            + "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        ReceivedRequest received = Assert.Single(world.Forwarded);
        Assert.Equal(["4"], received.Lines("X-Kept"));
        string[] gone
            = ["Connection", "X-Secret", "X-Other", "X-Third", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE", "Trailer", "HTTP2-Settings"];
        Assert.DoesNotContain(received.Headers, line => gone.Contains(line.Key, StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task An_upgrade_to_another_protocol_is_not_forwarded()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        foreach (string protocol in (string[])["h2c", "SPDY/3.1", "TLS/1.0"])
        {
            string answer = await RawConnection.AskAsync(world, $"GET /dashboard HTTP/1.1\r\nHost: localhost:{world.Port}\r\nCookie: "
                + $"paperless-gateway={alice.Cookie("paperless-gateway")}\r\nConnection: Upgrade, close\r\nUpgrade: {protocol}\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        }

        Assert.Equal(3, world.Forwarded.Count);
        Assert.All(world.Forwarded, received => Assert.Empty(received.Lines("Upgrade")));
    }

    private static string Loopback(ReceivedRequest received) => received.Header("X-Forwarded-For") == "::1" ? "::1" : "127.0.0.1";
}
