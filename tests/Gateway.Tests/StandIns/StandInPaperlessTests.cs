using System.Net;
using System.Text.Json;
using Gateway.StandIns.Paperless;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>The options of the stand-in Paperless and what it records; the contracts compare it with Paperless.</summary>
public sealed class StandInPaperlessTests
{
    [Fact]
    public async Task A_request_to_the_stand_in_is_recorded_with_its_status_and_user()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        await RawHttp.SendAsync(
            paperless.Address,
            "GET /dashboard HTTP/1.1\r\nHost: x\r\nRemote-User: carol\r\nremote-user: dave\r\nConnection: close\r\n\r\n");
        using HttpResponseMessage nobody = await client.GetAsync("/dashboard?a=b");

        Assert.Equal(["carol", "dave"], paperless.Received[0].Lines("Remote-User"));
        Assert.Equal((200, "carol,dave"), (paperless.Received[0].Status, paperless.Received[0].SignedInAs));
        Assert.Equal(("/dashboard?a=b", 302, null), (paperless.Received[1].RawTarget, paperless.Received[1].Status, paperless.Received[1].SignedInAs));
    }

    [Fact]
    public async Task An_underscore_in_a_header_name_counts_as_a_hyphen_before_Django_5_2_13()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { UnderscoresInHeaders = true }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/dashboard", ("Remote_User", "alice"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task The_name_of_the_user_header_is_configurable()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { UserHeader = "X-Forwarded-User" }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage ours = await client.GetAsync("/dashboard", ("X-Forwarded-User", "alice"));
        using HttpResponseMessage usual = await client.GetAsync("/dashboard", RemoteUser("bob"));

        Assert.Equal(HttpStatusCode.OK, ours.StatusCode);
        Assert.Equal(HttpStatusCode.Found, usual.StatusCode);
    }

    [Fact]
    public async Task The_cookie_prefix_applies_to_both_cookies()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { CookiePrefix = "docs_" }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/", RemoteUser("alice"));

        Assert.NotNull(SetCookie(response, "docs_sessionid"));
        Assert.NotNull(SetCookie(response, "docs_csrftoken"));
        Assert.Null(SetCookie(response, "sessionid"));
    }

    [Fact]
    public async Task A_script_name_is_removed_from_the_path_and_prepended_to_every_link()
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
    [InlineData("https://docs.example.com", "docs.example.com", 200)]
    [InlineData("https://docs.example.com", "127.0.0.1", 200)]
    [InlineData("https://docs.example.com/", "docs.example.com", 403)]
    [InlineData(null, "docs.example.com", 403)]
    public async Task The_Origin_of_a_POST_must_be_the_public_URL_or_the_requests_own(string? publicUrl, string host, int status)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { PublicUrl = publicUrl }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string? token) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.PostAsync(
            "/api/profile/generate_auth_token/",
            null,
            Cookie(cookie),
            ("X-CSRFToken", token),
            ("Origin", "https://docs.example.com"),
            ("Host", host));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task The_first_account_that_signs_up_is_superuser_and_then_sign_up_is_closed()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { Fresh = true }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        using HttpResponseMessage page = await client.GetAsync("/accounts/signup/");
        string cookie = SetCookie(page, "csrftoken")!.Split(';')[0];
        using FormUrlEncodedContent form = new FormUrlEncodedContent(
        [
            new("username", "root"), new("password1", "s3cret!"), new("password2", "s3cret!"), new("csrfmiddlewaretoken", cookie.Split('=')[1]),
        ]);

        using HttpResponseMessage first = await client.PostAsync("/accounts/signup/", form, Cookie(cookie));
        using HttpResponseMessage second = await client.GetAsync("/accounts/signup/");

        Assert.Equal(HttpStatusCode.Found, first.StatusCode);
        Assert.True(paperless.Data.FindUser("root")!.IsSuperuser);
        Assert.Contains("Sign Up Closed", await TextAsync(second), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_login_page_redirects_to_single_sign_on_by_script_but_not_after_a_logout()
    {
        StandInPaperlessOptions options = new StandInPaperlessOptions
        {
            RedirectLoginToSso = true,
            SocialProviders = [new SocialProvider("authentik", "authentik")]
        };
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(options, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage page = await client.GetAsync("/accounts/login/");
        using HttpResponseMessage after = await client.GetAsync("/accounts/login/?loggedout=1");

        Assert.Contains("<script>", await TextAsync(page), StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", await TextAsync(after), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Share_links_work_until_they_expire_below_any_path_prefix()
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
    public async Task Connected_accounts_are_listed_and_disconnected_by_id()
    {
        StandInPaperlessOptions options = new StandInPaperlessOptions { WithPeople = true, SocialProviders = [new SocialProvider("authentik", "authentik")] };
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(options, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        SocialAccount account = paperless.Data.AddSocialAccount("alice", "authentik", "sally");
        (string Name, string Value) alice = Token(paperless.Data.TokenOf("alice"));

        JsonElement profile = await client.JsonAsync("/api/profile/", alice);
        JsonElement providers = await client.JsonAsync("/api/profile/social_account_providers/", alice);
        using HttpResponseMessage first = await client.PostAsync("/api/profile/disconnect_social_account/", Json($$"""{"id":{{account.Id}}}"""), alice);
        using HttpResponseMessage again = await client.PostAsync("/api/profile/disconnect_social_account/", Json($$"""{"id":{{account.Id}}}"""), alice);

        Assert.Equal("""[{"id":1,"provider":"authentik","name":"sally"}]""", profile.GetProperty("social_accounts").GetRawText());
        Assert.Equal(
            """[{"name":"authentik","login_url":"/accounts/oidc/authentik/login/?process=connect"}]""", providers.GetRawText());
        Assert.Equal("1", await TextAsync(first));
        Assert.Equal(HttpStatusCode.BadRequest, again.StatusCode);
    }
}
