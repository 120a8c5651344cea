using System.Net;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;
using Serilog.Events;

namespace Gateway.Tests.Access;

/// <summary>The host rule and the script name, over HTTP with hosts that no client would send.</summary>
public sealed class HostAndPathGuardTests(HostAndPathGuardTests.AtTwoHosts shared) : IClassFixture<HostAndPathGuardTests.AtTwoHosts>
{
    private const string Html = "Accept: text/html";
    private const string Json = "Accept: application/json";

    [Theory]
    [InlineData("https://docs.example.com", "docs.example.com", true)]
    [InlineData("https://docs.example.com", "docs.example.com:443", true)]
    [InlineData("https://docs.example.com", "DOCS.Example.COM", true)]
    [InlineData("https://docs.example.com", "docs.example.com:80", false)]
    [InlineData("https://docs.example.com", "docs.example.com:", false)]
    [InlineData("https://docs.example.com", "docs.example.com:+443", false)]
    [InlineData("https://docs.example.com", "docs.example.com:443443443443", false)]
    [InlineData("https://docs.example.com", "docs.example.com.evil.example", false)]
    [InlineData("https://docs.example.com", "docs.example.comx", false)]
    [InlineData("https://docs.example.com", "evil.example", false)]
    [InlineData("https://docs.example.com", "", false)]
    [InlineData("https://docs.example.com", null, false)]
    [InlineData("http://docs.example.com", "docs.example.com:80", true)]
    [InlineData("http://docs.example.com", "docs.example.com:443", false)]
    [InlineData("http://docs.lan:8000", "docs.lan:8000", true)]
    [InlineData("http://docs.lan:8000", "docs.lan", false)]
    [InlineData("http://docs.lan:8000", "docs.lan:80", false)]
    [InlineData("https://[::1]:8443", "[::1]:8443", true)]
    [InlineData("https://bücher.example", "xn--bcher-kva.example", true)]
    public void The_public_host_is_accepted_with_or_without_the_default_port(string url, string? host, bool same) =>
        Assert.Equal(same, new PublicOrigin(new Uri(url)).IsHost(host));

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
    public async Task A_navigation_to_another_host_is_redirected_to_the_public_host()
    {
        await using World world = await World.StartAsync();

        string answer = await GetAsync(world, "docs.lan:1", "/documents/2?a=%2F&b", Html);

        Assert.StartsWith("HTTP/1.1 302 ", answer, StringComparison.Ordinal);
        Assert.Equal($"{world.Origin}/documents/2?a=%2F&b", Header(answer, "Location"));
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task A_browser_that_comes_back_with_the_other_host_gets_a_page_and_the_log_one_warning_an_hour()
    {
        await using World world = await World.StartAsync();
        string cookie = Header(await GetAsync(world, "docs.lan:1", "/documents/2?a=%2F&b", Html), "Set-Cookie")!;

        string[] pages = await BackAsync(3);
        string elsewhere = await GetAsync(world, "docs.lan:1", "/documents/3", $"{Html}\r\nCookie: {cookie.Split(';')[0]}");
        string scheme = await GetAsync(
            world,
            "docs.lan:1",
            "/documents/2?a=%2F&b",
            $"{Html}\r\nCookie: {cookie.Split(';')[0]}\r\nX-Forwarded-Proto: https");

        Assert.Contains("max-age=10; path=/; samesite=lax; httponly", cookie, StringComparison.Ordinal);
        Assert.All(pages, page =>
        {
            Assert.StartsWith("HTTP/1.1 421 ", page, StringComparison.Ordinal);
            Assert.Contains("http://docs.lan:1", page, StringComparison.Ordinal);
            Assert.Contains(world.Origin, page, StringComparison.Ordinal);
        });
        Assert.Equal(world.Origin + "/documents/3", Header(elsewhere, "Location"));
        Assert.Contains("https://docs.lan:1", scheme, StringComparison.Ordinal);
        Assert.Equal(
            [LogEventLevel.Warning, LogEventLevel.Information, LogEventLevel.Information, LogEventLevel.Information],
            world.Log.Of("Refused").Select(line => line.Level));
        world.Clock.Advance(TimeSpan.FromHours(1));
        await BackAsync(2);
        Assert.Equal([LogEventLevel.Warning, LogEventLevel.Information], world.Log.Of("Refused").Skip(4).Select(line => line.Level));

        async Task<string[]> BackAsync(int times)
        {
            List<string> answers = [];
            for (int time = 0; time < times; time++)
            {
                answers.Add(await GetAsync(world, "docs.lan:1", "/documents/2?a=%2F&b", $"{Html}\r\nCookie: {cookie.Split(';')[0]}"));
            }

            return [.. answers];
        }
    }

    [Fact]
    public async Task The_style_sheet_of_the_pages_is_served_at_any_host()
    {
        string answer = await GetAsync(shared.World, "evil.example", Gateway.Pages.PageAssets.Stylesheet.Path, "Accept: text/css");

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("evil.example", Json, "GET", "/api/documents/")]
    [InlineData("evil.example", Json + "\r\nAuthorization: Token x", "GET", "/api/documents/")]
    [InlineData("evil.example", Html + "\r\nAuthorization: Token x", "GET", "/api/documents/")]
    [InlineData("evil.example", Html, "POST", "/accounts/login/")]
    [InlineData("evil.example", Html + "\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image", "GET", "/logo")]
    [InlineData("evil.example", Json, "GET", "/gateway/session")]
    [InlineData("localhost", Json, "GET", "/static/x.js")]
    public async Task Other_requests_to_another_host_get_421(string host, string headers, string method, string path)
    {
        await using World world = await World.StartAsync();

        string answer = await GetAsync(world, host, path, headers, method);

        Assert.StartsWith("HTTP/1.1 421 ", answer, StringComparison.Ordinal);
        Assert.Contains(world.Origin, answer, StringComparison.Ordinal);
        Assert.Empty(world.Forwarded);
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

    [Fact]
    public async Task The_path_is_checked_before_the_host_so_no_redirect_contains_an_ambiguous_path()
    {
        await using World world = await World.StartAsync();

        string answer = await GetAsync(world, "docs.lan", "//evil.example/", Html);

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TRACE")]
    [InlineData("trace")]
    public async Task The_TRACE_method_is_refused(string method)
    {
        await using World world = await World.StartAsync();

        string answer = await GetAsync(world, $"localhost:{world.Port}", "/", Json, method);

        Assert.Matches("^HTTP/1.1 (405|400) ", answer);
        Assert.Empty(world.Forwarded);
    }

    [Theory]
    [InlineData("/", 302, "/paperless/")]
    [InlineData("/paperless", 302, "/paperless/")]
    [InlineData("/documents", 404, null)]
    [InlineData("/paperlessx/", 404, null)]
    [InlineData("/PAPERLESS/", 404, null)]
    [InlineData("/accounts/login/?sharelink_notfound=1", 302, "/paperless/accounts/login/?sharelink_notfound=1")]
    [InlineData("/accounts/logout/", 302, "/paperless/accounts/logout/")]
    [InlineData("/accounts/password/reset/", 404, null)]
    [InlineData("/gateway/session", 404, null)]
    [InlineData("/paperless/documents", 302, "/paperless/accounts/login/?next=%2Fpaperless%2Fdocuments")]
    [InlineData("/paperless/accounts/login/", 200, null)]
    [InlineData("/paperless/gateway/session", 401, null)]
    public async Task Paths_outside_the_script_name_are_404_but_for_those_that_Paperless_names(string path, int status, string? location)
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/paperless");

        string answer = await GetAsync(world, $"localhost:{world.Port}", path, Html);

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Equal(location, Header(answer, "Location"));
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task Under_a_script_name_a_sign_in_returns_to_a_path_below_the_script_name()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/paperless");
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice", "/paperless/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/paperless/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("/paperless/documents/2", world.Forwarded[^1].RawTarget);
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
    }

    /// <summary>One world at the public host, and at `docs.lan` for clients with a credential.</summary>
    public sealed class AtTwoHosts : IAsyncLifetime
    {
        internal World World { get; private set; } = null!;

        public async ValueTask InitializeAsync() => World = await World.StartAsync(options => options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "docs.lan");

        public ValueTask DisposeAsync() => World.DisposeAsync();
    }

    private static Task<string> GetAsync(World world, string host, string target, string headers, string method = "GET")
    {
        string connection = headers.Contains("Upgrade:", StringComparison.Ordinal) ? "Upgrade, close" : "close";
        string length = method == "POST" ? "Content-Length: 0\r\n" : "";
        string request = $"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n{length}{headers}\r\n\r\n";
        return RawHttp.SendAsync(new Uri(world.Origin), request);
    }

    private static string? Header(string answer, string name) =>
        answer.Split("\r\n\r\n")[0].Split("\r\n").FirstOrDefault(line => line.StartsWith(name
            + ": ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
}
