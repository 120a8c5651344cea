using System.Net;
using Gateway.StandIns.Paperless;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>What anonymous and signed-in visitors get on each path, and the cookies that come with it.</summary>
public sealed class StandInPaperlessTestsPages
{
    [Theory]
    [InlineData("/", "/accounts/login/?next=/")]
    [InlineData("/dashboard", "/accounts/login/?next=/dashboard")]
    [InlineData("/documents/1?a=b", "/accounts/login/?next=/documents/1%3Fa%3Db")]
    [InlineData("/api/nope/", "/accounts/login/?next=/api/nope/")]
    [InlineData("/api/users", "/accounts/login/?next=/api/users")]
    [InlineData("/static/nope.js", "/accounts/login/?next=/static/nope.js")]
    [InlineData("/robots.txt", "/accounts/login/?next=/robots.txt")]
    [InlineData("/accounts/logout", "/accounts/login/?next=/accounts/logout")]
    [InlineData("/accounts/login", "/accounts/login/?next=/accounts/login")]
    [InlineData("/api/", "schema/view/")]
    [InlineData("/admin/", "/admin/login/?next=/admin/")]
    [InlineData("/x/admin/documents/", "/admin/login/?next=/x/admin/documents/")]
    [InlineData("/share/none", "/accounts/login/?sharelink_notfound=1")]
    [InlineData("/assets/logo.svg", "/static/frontend/en-US/assets/logo.svg")]
    public async Task Nobody_is_sent_elsewhere(string path, string location)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync(path);

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        Assert.Equal(location, response.Headers.Location?.OriginalString);
        Assert.Equal((302, null), (paperless.Received.Single().Status, paperless.Received.Single().SignedInAs));
    }

    [Theory]
    [InlineData("/api/schema/", 200)]
    [InlineData("/api/schema/view/", 200)]
    [InlineData("/api/remote_version/", 200)]
    [InlineData("/api/token/", 405)]
    [InlineData("/accounts/login/", 200)]
    [InlineData("/accounts/signup/", 200)]
    [InlineData("/accounts/password/reset/", 200)]
    [InlineData("/admin/login/", 200)]
    [InlineData("/x/admin/login/", 200)]
    [InlineData("/x%2Fadmin/login/", 200)]
    [InlineData("/api/auth/headless/app/v1/config", 200)]
    [InlineData("/api/auth/headless/browser/v1/config", 200)]
    [InlineData("/favicon.ico", 200)]
    [InlineData("/logo", 404)]
    public async Task Nobody_is_answered(string path, int status)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync(path);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Share_links_open_until_they_expire_wherever_the_path_begins()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        paperless.Data.AddShareLink("live", 1);
        paperless.Data.AddShareLink("old", 1, paperless.Data.Now.AddDays(-1));

        using HttpResponseMessage live = await client.GetAsync("/share/live");
        using HttpResponseMessage deeper = await client.GetAsync("/x/share/live/");
        using HttpResponseMessage old = await client.GetAsync("/share/old");

        Assert.Equal("application/pdf", live.Content.Headers.ContentType?.MediaType);
        Assert.Equal(HttpStatusCode.OK, deeper.StatusCode);
        Assert.Equal("/accounts/login/?sharelink_expired=1", old.Headers.Location?.ToString());
    }

    [Fact]
    public async Task Static_files_last_a_minute_and_set_no_cookie_even_with_the_header()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/static/" + StaticFiles.Script, RemoteUser("alice"));
        using HttpResponseMessage again = await client.GetAsync("/static/" + StaticFiles.Script, ("If-None-Match", response.Headers.ETag!.ToString()));

        Assert.Equal("max-age=60, public", response.Headers.NonValidated["Cache-Control"].ToString());
        Assert.False(response.Headers.Contains("Set-Cookie"));
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Null(paperless.Data.FindUser("alice"));
    }

    [Fact]
    public async Task The_cookies_are_as_django_writes_them_and_never_secure()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/", RemoteUser("alice"), ("X-Forwarded-Proto", "https"));

        Assert.Matches(
            "^sessionid=[a-z0-9]{32}; expires=[^;]+ GMT; HttpOnly; Max-Age=1814400; Path=/; SameSite=Lax$",
            SetCookie(response, "sessionid"));
        Assert.Matches(
            "^csrftoken=[A-Za-z0-9]{32}; expires=[^;]+ GMT; Max-Age=31449600; Path=/; SameSite=Lax$",
            SetCookie(response, "csrftoken"));
    }

    [Fact]
    public async Task The_prefix_goes_before_both_cookies()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { CookiePrefix = "docs_" }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/", RemoteUser("alice"));

        Assert.NotNull(SetCookie(response, "docs_sessionid"));
        Assert.NotNull(SetCookie(response, "docs_csrftoken"));
        Assert.Null(SetCookie(response, "sessionid"));
    }

    [Fact]
    public async Task The_page_is_there_on_unknown_paths_and_keeps_the_csrf_cookie()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string? token) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.GetAsync("/accounts/logout", Cookie(cookie));

        Assert.Contains("<meta name=\"username\" content=\"alice\">", await TextAsync(response), StringComparison.Ordinal);
        Assert.StartsWith($"csrftoken={token};", SetCookie(response, "csrftoken"), StringComparison.Ordinal);
        Assert.Null(SetCookie(response, "sessionid"));
        Assert.Single(paperless.Data.SessionsOf("alice"));
    }

    [Fact]
    public async Task The_cookie_of_an_unknown_session_is_taken_back()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/", Cookie("sessionid=gone"));

        Assert.StartsWith("sessionid=\"\"; expires=Thu, 01 Jan 1970", SetCookie(response, "sessionid"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_name_comes_off_the_path_and_goes_before_every_link()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { ScriptName = "/paperless" }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage anonymous = await client.GetAsync("/paperless/dashboard");
        using HttpResponseMessage page = await client.GetAsync("/paperless/", RemoteUser("alice"));
        using HttpResponseMessage file = await client.GetAsync("/paperless/static/base.css");
        using HttpResponseMessage api = await client.GetAsync("/api/profile/", Token(paperless.Data.AdminToken));

        Assert.Equal("/paperless/accounts/login/?next=/paperless/dashboard", anonymous.Headers.Location?.ToString());
        Assert.Contains("<base href=\"/paperless/\">", await TextAsync(page), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, file.StatusCode);
        Assert.Equal(HttpStatusCode.OK, api.StatusCode);
    }

    [Theory]
    [InlineData("docs.example.com", 200)]
    [InlineData("docs.example.com:8443", 200)]
    [InlineData("a.example.org", 200)]
    [InlineData("localhost", 200)]
    [InlineData("evil.example", 400)]
    public async Task Only_allowed_hosts_are_answered(string host, int status)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(
            new() { AllowedHosts = [".example.org"], PublicUrl = "https://docs.example.com" }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/accounts/login/", ("Host", host));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("br")]
    [InlineData("gzip")]
    public async Task Answers_are_compressed_as_the_client_asks(string coding)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync(
            "/api/ui_settings/", Token(paperless.Data.AdminToken), ("Accept-Encoding", $"deflate, {coding};q=0.9"));

        Assert.Equal(coding, response.Content.Headers.ContentEncoding.Single());
        Assert.Equal(response.Content.Headers.ContentLength, (await response.Content.ReadAsByteArrayAsync(Ct)).Length);
    }
}
