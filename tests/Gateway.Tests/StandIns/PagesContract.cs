using System.Net;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Responses and cookies of Paperless on each path, with and without a session.</summary>
public abstract class PagesContract(Installation installation) : PaperlessContract(installation)
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
    public async Task Requests_without_a_session_are_redirected_by_Paperless(string path, string location)
    {
        using HttpResponseMessage response = await Client.GetAsync(path);

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        Assert.Equal(location, response.Headers.Location?.OriginalString);
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
    [InlineData("/favicon.ico", 200)]
    public async Task Some_paths_of_Paperless_answer_without_a_session(string path, int status)
    {
        using HttpResponseMessage response = await Client.GetAsync(path);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Static_files_are_cacheable_for_a_minute_and_set_no_cookie_even_with_the_user_header()
    {
        const string File = "/static/frontend/en-US/polyfills.js";
        string name = Paperless.Name("alice");

        using HttpResponseMessage response = await Client.GetAsync(File, RemoteUser(name));
        using HttpResponseMessage again = await Client.GetAsync(File, ("If-None-Match", response.Headers.ETag!.ToString()));

        Assert.Equal("max-age=60, public", response.Headers.NonValidated["Cache-Control"].ToString());
        Assert.False(response.Headers.Contains("Set-Cookie"));
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Null(await Paperless.FindUserAsync(name));
    }

    [Fact]
    public async Task Cookies_have_the_form_that_Django_writes_and_are_never_Secure()
    {
        using HttpResponseMessage response = await Client.GetAsync("/", RemoteUser(Paperless.Name("alice")));

        Assert.Matches(
            "^sessionid=[a-z0-9]{32}; expires=[^;]+ GMT; HttpOnly; Max-Age=1814400; Path=/; SameSite=Lax$",
            SetCookie(response, "sessionid"));
        Assert.Matches(
            "^csrftoken=[A-Za-z0-9]{32}; expires=[^;]+ GMT; Max-Age=31449600; Path=/; SameSite=Lax$",
            SetCookie(response, "csrftoken"));
    }

    [Fact]
    public async Task Unknown_paths_show_the_app_page_and_keep_the_CSRF_cookie()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");
        (string? cookie, string? token) = await Client.EnterAsync(alice.Name);

        using HttpResponseMessage response = await Client.GetAsync("/accounts/logout", Cookie(cookie));

        Assert.Contains("<meta name=\"cookie_prefix\"", await TextAsync(response), StringComparison.Ordinal);
        Assert.StartsWith($"csrftoken={token};", SetCookie(response, "csrftoken"), StringComparison.Ordinal);
        Assert.Null(SetCookie(response, "sessionid"));
        Assert.Equal(alice.Email, await WhoAsync(Cookie(cookie)));
    }

    [Fact]
    public async Task The_cookie_of_an_unknown_session_is_deleted()
    {
        using HttpResponseMessage response = await Client.GetAsync("/", Cookie("sessionid=gone"));

        Assert.StartsWith("sessionid=\"\"; expires=Thu, 01 Jan 1970", SetCookie(response, "sessionid"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("br")]
    [InlineData("gzip")]
    public async Task Responses_are_compressed_as_the_client_accepts(string coding)
    {
        using HttpResponseMessage response = await Client.GetAsync("/api/ui_settings/", Admin, ("Accept-Encoding", $"deflate, {coding};q=0.9"));

        Assert.Equal(coding, response.Content.Headers.ContentEncoding.Single());
        Assert.Equal(response.Content.Headers.ContentLength, (await response.Content.ReadAsByteArrayAsync(Ct)).Length);
    }
}
