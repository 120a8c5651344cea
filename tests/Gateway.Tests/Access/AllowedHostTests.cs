using System.Net;
using Gateway.Settings;
using Gateway.Tests.Kit;
using static Gateway.Tests.Access.HostRequest;

namespace Gateway.Tests.Access;

/// <summary>`PAPERLESS_ALLOWED_HOSTS`: what the gateway serves at a host that is not the public one, over HTTP with hosts that no client would send.</summary>
public sealed class AllowedHostTests(AllowedHostTests.AtTwoHosts shared) : IClassFixture<AllowedHostTests.AtTwoHosts>
{
    [Theory]
    [InlineData("docs.lan", "docs.lan", true)]
    [InlineData("docs.lan", "DOCS.lan:8000", true)]
    [InlineData("docs.lan", "a.docs.lan", false)]
    [InlineData(".example.com", "example.com", true)]
    [InlineData(".example.com", "a.b.Example.com:1", true)]
    [InlineData(".example.com", "badexample.com", false)]
    [InlineData("*", "anything:1", true)]
    [InlineData("*", "", false)]
    [InlineData("*", null, false)]
    [InlineData("[::1]", "[::1]:8000", true)]
    [InlineData("192.168.1.5", "192.168.1.5:8000", true)]
    [InlineData("*.example.com", "a.example.com", false)]
    public void Allowed_hosts_are_matched_as_Django_does(string pattern, string? host, bool matches) =>
        Assert.Equal(matches, new HostPatterns(["other.lan", pattern]).Matches(host));

    [Fact]
    public async Task The_style_sheet_of_the_pages_is_served_at_any_host()
    {
        string answer = await GetAsync(shared.World, "evil.example", Gateway.Pages.PageAssets.Stylesheet.Path, "Accept: text/css");

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("docs.lan", "docs.lan:8000")]
    [InlineData(".example.com", "api.example.com")]
    [InlineData("*", "whatever.example")]
    public async Task An_allowed_host_serves_requests_with_a_credential_and_never_a_session(string allowed, string host)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "other.lan, " + allowed);
        using Visitor alice = await world.SignedInAsync("alice");
        string cookie = "Cookie: " + alice.Cookies.GetCookieHeader(new Uri(world.Origin));
        world.Paperless.ForgetReceived();

        await GetAsync(world, host, "/api/documents/", Json + "\r\nAuthorization: Token abc");
        string person = await GetAsync(world, host, "/", $"{Html}\r\n{cookie}");

        Assert.Equal(["Token abc"], Assert.Single(world.Forwarded).Lines("Authorization"));
        Assert.Equal([host], world.Forwarded[0].Lines("Host"));
        Assert.StartsWith("HTTP/1.1 302 ", person, StringComparison.Ordinal);
        Assert.Equal(world.Origin + "/", Header(person, "Location"));
    }

    [Theory]
    [InlineData("GET", "/gateway/session", Json)]
    [InlineData("GET", "/gateway/sessions", Json)]
    [InlineData("POST", "/gateway/sessions/end", Json)]
    [InlineData("POST", "/gateway/sessions/end-all", Html)]
    [InlineData("POST", "/gateway/username", Html)]
    [InlineData("GET", "/accounts/login/", Json)]
    [InlineData("POST", "/accounts/login/", Html)]
    [InlineData("GET", "/accounts/oidc/authentik/login/", Json)]
    [InlineData("POST", "/accounts/oidc/authentik/login/", Html)]
    [InlineData("GET", "/accounts/oidc/authentik/login/callback/?code=1&state=2", Json)]
    [InlineData("POST", "/accounts/oidc/authentik/login/callback/", Html)]
    [InlineData("POST", "/accounts/oidc/authentik/logout/backchannel/", Json)]
    [InlineData("GET", "/accounts/oidc/authentik/logout/frontchannel/?iss=x&sid=y", Html + "\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe")]
    [InlineData("GET", "/accounts/logout/", Json)]
    [InlineData("POST", "/accounts/logout/", Html)]
    [InlineData("POST", "/api/auth/logout/", Json)]
    [InlineData("POST", "/accounts/password/reset/", Html)]
    [InlineData("GET", "/accounts/password/reset/", Json)]
    [InlineData("GET", "/accounts/password/reset/", Html + "\r\nAuthorization: Token x")]
    [InlineData("POST", "/accounts/signup/", Html)]
    [InlineData("POST", "/admin/login/", Html)]
    [InlineData("GET", "/api/auth/headless/app/v1/config", Json)]
    [InlineData("POST", "/api/auth/headless/browser/v1/auth/login", Json)]
    [InlineData("POST", "/api/auth/headless/app/v1/auth/provider/token", Json + "\r\nAuthorization: Token x")]
    [InlineData("GET", "/api/documents/", Json)]
    [InlineData("POST", "/api/documents/post_document/", Json)]
    [InlineData("GET", "/ws/status/", Json + "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")]
    [InlineData("GET", "/dashboard", Json)]
    [InlineData("OPTIONS", "/dashboard", Json)]
    public async Task An_allowed_host_serves_neither_the_gateways_endpoints_nor_account_pages_and_ignores_sessions(
        string method,
        string path,
        string headers)
    {
        World world = shared.World;
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();
        int before = world.Log.Of("Refused").Count;

        string answer = await GetAsync(world, "docs.lan", path, $"{headers}\r\nCookie: {alice.Cookies.GetCookieHeader(new Uri(world.Origin))}", method);

        Assert.StartsWith("HTTP/1.1 421 ", answer, StringComparison.Ordinal);
        Assert.Contains(world.Origin, answer, StringComparison.Ordinal);
        Assert.Null(Header(answer, "Set-Cookie"));
        Assert.Equal("host_not_public", CapturedLog.Value(Assert.Single(world.Log.Of("Refused").Skip(before)), "Code"));
        Assert.Empty(world.Forwarded);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData("/accounts/oidc/authentik/login/?process=connect")]
    [InlineData("/accounts/logout/")]
    [InlineData("/gateway/sessions")]
    [InlineData("/accounts/password/reset/")]
    public async Task A_navigation_to_an_allowed_host_is_redirected_to_the_public_host(string path)
    {
        string answer = await GetAsync(shared.World, "docs.lan", path, Html);

        Assert.StartsWith("HTTP/1.1 302 ", answer, StringComparison.Ordinal);
        Assert.Equal(shared.World.Origin + path, Header(answer, "Location"));
        Assert.Equal("no-store", Header(answer, "Cache-Control"));
    }

    [Theory]
    [InlineData("GET", "/api/documents/", Json + "\r\nAuthorization: Token {token}", 200)]
    [InlineData("GET", "/api/documents/", Json + "\r\nAuthorization: Basic YWxpY2U6YWxpY2U=", 200)]
    [InlineData("GET", "/api/documents/", Json + "\r\nAuthorization: Bearer x", 401)]
    [InlineData("GET", "/api/token/", Json, 405)]
    [InlineData("POST", "/api/token/", Json, 400)]
    [InlineData("GET", "/static/signin.css", Json, 200)]
    [InlineData("GET", "/favicon.ico", Json, 200)]
    [InlineData("GET", "/share/unknown", Json, 302)]
    public async Task An_allowed_host_serves_credentials_and_public_paths_without_forwarding_cookies(
        string method,
        string path,
        string headers,
        int status)
    {
        World world = shared.World;
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();
        string given = headers.Replace("{token}", world.Paperless.Data.AdminToken, StringComparison.Ordinal);

        string answer = await GetAsync(world, "docs.lan:8000", path, $"{given}\r\nCookie: {alice.Cookies.GetCookieHeader(new Uri(world.Origin))}", method);

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.All(world.Forwarded, request => Assert.Null(request.Header("Cookie") ?? request.Header("Remote-User")));
    }

    [Theory]
    [InlineData("docs.lan", "/gateway/session", 421)]
    [InlineData("docs.lan", "/accounts/password/reset/", 421)]
    [InlineData("docs.lan", "/favicon.ico", 200)]
    [InlineData("evil.example", "/favicon.ico", 421)]
    public async Task The_forwarded_host_of_a_trusted_proxy_is_used(string host, string path, int status)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "docs.lan";
            options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1";
        });

        string answer = await GetAsync(world, $"localhost:{world.Port}", path, $"{Json}\r\nX-Forwarded-Host: {host}");

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_forwarded_host_of_an_untrusted_client_is_ignored()
    {
        string answer = await GetAsync(shared.World, "docs.lan", "/gateway/session", $"{Json}\r\nX-Forwarded-Host: localhost:{shared.World.Port}");

        Assert.StartsWith("HTTP/1.1 421 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Under_a_script_name_an_allowed_host_serves_credentials_below_the_script_name_only()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.ScriptName = "/paperless";
            options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "docs.lan";
        });
        string token = $"{Json}\r\nAuthorization: Token {world.Paperless.Data.AdminToken}";

        Assert.StartsWith("HTTP/1.1 200 ", await GetAsync(world, "docs.lan", "/paperless/api/documents/", token), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 421 ", await GetAsync(world, "docs.lan", "/paperless/gateway/session", token), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 421 ", await GetAsync(world, "docs.lan", "/api/documents/", token), StringComparison.Ordinal);
    }

    /// <summary>One world at the public host, and at `docs.lan` for clients with a credential.</summary>
    public sealed class AtTwoHosts : IAsyncLifetime
    {
        internal World World { get; private set; } = null!;

        public async ValueTask InitializeAsync() => World = await World.StartAsync(options => options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "docs.lan");

        public ValueTask DisposeAsync() => World.DisposeAsync();
    }
}
