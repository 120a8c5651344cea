using System.Net;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Serilog.Events;
using static Gateway.Tests.Access.HostRequest;

namespace Gateway.Tests.Access;

/// <summary>The host rule and the script name, over HTTP with hosts that no client would send.</summary>
public sealed class HostAndPathGuardTests
{
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
}
