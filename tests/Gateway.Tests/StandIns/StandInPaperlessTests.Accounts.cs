using System.Net;
using System.Text;
using Gateway.StandIns.Paperless;
using Microsoft.Extensions.Time.Testing;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Login, logout and sign-up; passwords and tokens; the secure-origin checks.</summary>
public sealed class StandInPaperlessTestsAccounts
{
    [Theory]
    [InlineData("GET", "/accounts/logout/")]
    [InlineData("HEAD", "/accounts/logout/")]
    [InlineData("GET", "/api/auth/logout/")]
    [InlineData("HEAD", "/api/auth/logout/")]
    public async Task Logout_needs_no_more_than_a_get(string method, string path)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.SendAsync(new HttpMethod(method), path, null, Cookie(cookie));

        Assert.Equal("/accounts/login/?loggedout=1", response.Headers.Location?.ToString());
        Assert.Contains("Max-Age=0", SetCookie(response, "sessionid"), StringComparison.Ordinal);
        Assert.Null(SetCookie(response, "csrftoken"));
        Assert.Empty(paperless.Data.Sessions);
    }

    [Theory]
    [InlineData("/accounts/logout/")]
    [InlineData("/api/auth/logout/")]
    public async Task Logout_by_post_needs_the_csrf_token(string path)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string? token) = await client.EnterAsync("alice");

        using HttpResponseMessage without = await client.PostAsync(path, null, Cookie(cookie));
        Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
        Assert.Single(paperless.Data.Sessions);

        using HttpResponseMessage with = await client.PostAsync(path, null, Cookie(cookie), ("X-CSRFToken", token));
        Assert.Equal(HttpStatusCode.Found, with.StatusCode);
        Assert.Empty(paperless.Data.Sessions);
    }

    [Theory]
    [InlineData("/accounts/logout/", "https://sso.example/end")]
    [InlineData("/accounts/logout/?next=/foo", "/foo")]
    [InlineData("/accounts/logout/?next=/accounts/login/?next=/", "/accounts/login/?next=/")]
    [InlineData("/accounts/logout/?next=//evil.example", "https://sso.example/end")]
    public async Task Logout_goes_where_the_setting_or_next_says_even_for_nobody(string path, string location)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { LogoutRedirectUrl = "https://sso.example/end" }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync(path);

        Assert.Equal(location, response.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task A_logout_with_the_header_undoes_itself_at_the_next_page()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage logout = await client.GetAsync("/accounts/logout/", Cookie(cookie), RemoteUser("alice"));
        using HttpResponseMessage next = await client.GetAsync("/accounts/login/?loggedout=1", RemoteUser("alice"));

        Assert.Equal("/dashboard", next.Headers.Location?.ToString());
        Assert.Single(paperless.Data.SessionsOf("alice"));
    }

    [Fact]
    public async Task The_login_form_signs_in_and_goes_to_next()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await SubmitAsync(
            client, "/accounts/login/?next=/documents/1", ("login", "admin"), ("password", "admin"), ("next", "/documents/1"));
        using HttpResponseMessage wrong = await SubmitAsync(client, "/accounts/login/", ("login", "admin"), ("password", "no"));

        Assert.Equal("/documents/1", response.Headers.Location?.ToString());
        Assert.NotNull(SetCookie(response, "sessionid"));
        Assert.Equal(HttpStatusCode.OK, wrong.StatusCode);
        Assert.Single(paperless.Data.SessionsOf("admin"));
    }

    [Fact]
    public async Task Without_regular_login_the_other_ways_still_take_passwords()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { DisableRegularLogin = true }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage login = await SubmitAsync(client, "/accounts/login/", ("login", "admin"), ("password", "admin"));
        using HttpResponseMessage headless = await client.PostAsync(
            "/api/auth/headless/app/v1/auth/login", Json("""{"username":"admin","password":"admin"}"""));
        using HttpResponseMessage admin = await SubmitAsync(client, "/admin/login/", ("username", "admin"), ("password", "admin"));
        using HttpResponseMessage token = await client.PostAsync("/api/token/", Json("""{"username":"admin","password":"admin"}"""));
        using HttpResponseMessage basic = await client.GetAsync("/api/profile/", Basic("admin", "admin"));

        Assert.Equal(HttpStatusCode.OK, login.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, headless.StatusCode);
        Assert.Equal("/admin/", admin.Headers.Location?.ToString());
        Assert.Equal(paperless.Data.AdminToken, (await JsonAsync(token)).GetProperty("token").GetString());
        Assert.Equal(HttpStatusCode.OK, basic.StatusCode);
        Assert.Single(paperless.Data.SessionsOf("admin"));
    }

    [Fact]
    public async Task Bad_passwords_are_refused_and_bearer_means_nothing()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage basic = await client.GetAsync("/api/profile/", Basic("admin", "wrong"));
        using HttpResponseMessage bearer = await client.GetAsync("/api/profile/", ("Authorization", "Bearer " + paperless.Data.AdminToken));
        using HttpResponseMessage token = await client.PostAsync("/api/token/", Json("""{"username":"admin","password":"wrong"}"""));

        Assert.Equal(HttpStatusCode.Unauthorized, basic.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, bearer.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, token.StatusCode);
    }

    [Fact]
    public async Task The_token_endpoint_takes_five_requests_a_minute()
    {
        FakeTimeProvider time = new FakeTimeProvider();
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { Time = time }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        async Task<int> Ask()
        {
            using HttpResponseMessage response = await client.PostAsync("/api/token/", Json("""{"username":"admin","password":"wrong"}"""));
            return (int)response.StatusCode;
        }

        for (int request = 0; request < 5; request++)
        {
            Assert.Equal(400, await Ask());
        }

        Assert.Equal(429, await Ask());
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(400, await Ask());
    }

    [Fact]
    public async Task A_session_ends_with_its_age_and_with_a_new_password()
    {
        FakeTimeProvider time = new FakeTimeProvider();
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { Time = time }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? old, string _) = await client.EnterAsync("alice");
        time.Advance(TimeSpan.FromSeconds(1_814_400));
        (string? young, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage expired = await client.GetAsync("/api/profile/", Cookie(old));
        using HttpResponseMessage open = await client.GetAsync("/api/profile/", Cookie(young));
        paperless.Data.UpdateUser("alice", alice => alice with { Password = "new" });
        using HttpResponseMessage changed = await client.GetAsync("/api/profile/", Cookie(young));

        Assert.Equal(
            [HttpStatusCode.Unauthorized, HttpStatusCode.OK, HttpStatusCode.Unauthorized],
            [expired.StatusCode, open.StatusCode, changed.StatusCode]);
    }

    [Fact]
    public async Task The_first_to_sign_up_is_superuser_and_then_the_door_closes()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { Fresh = true }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage first = await SubmitAsync(
            client, "/accounts/signup/", ("username", "root"), ("password1", "s3cret!"), ("password2", "s3cret!"));
        using HttpResponseMessage second = await client.GetAsync("/accounts/signup/");

        Assert.Equal(HttpStatusCode.Found, first.StatusCode);
        Assert.True(paperless.Data.FindUser("root")!.IsSuperuser);
        Assert.Contains("Sign Up Closed", await TextAsync(second), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_login_page_goes_to_sso_by_script_but_not_after_logout()
    {
        StandInPaperlessOptions options = new StandInPaperlessOptions
        {
            RedirectLoginToSso = true,
            SocialProviders = [new SocialProvider("authentik", "authentik", "client", "https://sso.example/o/paperless/")],
        };
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(options, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage page = await client.GetAsync("/accounts/login/");
        using HttpResponseMessage after = await client.GetAsync("/accounts/login/?loggedout=1");

        Assert.Contains("<script>", await TextAsync(page), StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", await TextAsync(after), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://docs.example.com", null, "docs.example.com", 200)]
    [InlineData("https://docs.example.com", null, "127.0.0.1", 200)]
    [InlineData("https://docs.example.com/", null, "docs.example.com", 403)]
    [InlineData(null, null, "docs.example.com", 403)]
    [InlineData(null, "https", "docs.example.com", 200)]
    [InlineData(null, "https", "docs.example.com:443", 403)]
    public async Task The_origin_must_be_the_public_url_or_the_request_s_own(
        string? publicUrl, string? forwardedProto, string host, int status)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(
            new() { PublicUrl = publicUrl, ProxySslHeader = forwardedProto is not null }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string? token) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.PostAsync(
            "/api/profile/generate_auth_token/",
            null,
            Cookie(cookie),
            ("X-CSRFToken", token),
            ("Origin", "https://docs.example.com"),
            ("X-Forwarded-Proto", "https"),
            ("Host", host));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData(null, 403)]
    [InlineData("https://docs.example.com/dashboard", 200)]
    [InlineData("https://evil.example/", 403)]
    public async Task On_https_a_post_without_origin_needs_a_referer(string? referer, int status)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { ProxySslHeader = true }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string? token) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.PostAsync(
            "/api/profile/generate_auth_token/",
            null,
            [
                Cookie(cookie), ("X-CSRFToken", token), ("X-Forwarded-Proto", "https"), ("Host", "docs.example.com"),
                .. referer is null ? ((string, string)[])[] : [("Referer", referer)],
            ]);

        Assert.Equal(status, (int)response.StatusCode);
    }

    private static (string Name, string Value) Basic(string name, string password) =>
        ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));

    /// <summary>Opens the page of a form and sends it, with the page's cookie and masked token.</summary>
    private static async Task<HttpResponseMessage> SubmitAsync(
        PaperlessClient client, string path, params (string Name, string Value)[] fields)
    {
        using HttpResponseMessage page = await client.GetAsync(path);
        string cookie = SetCookie(page, "csrftoken")!.Split(';')[0];
        string token = (await TextAsync(page)).Split("name=\"csrfmiddlewaretoken\" value=\"")[1].Split('"')[0];
        Assert.Equal(64, token.Length);
        using FormUrlEncodedContent form = new FormUrlEncodedContent(fields.Append(("csrfmiddlewaretoken", token))
            .Select(field => KeyValuePair.Create(field.Item1, field.Item2)));
        return await client.PostAsync(path, form, Cookie(cookie));
    }
}
