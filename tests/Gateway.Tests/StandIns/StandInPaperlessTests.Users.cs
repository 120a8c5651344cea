using System.Net;
using System.Text.Json;
using Gateway.StandIns.Paperless;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Users, groups and profile by the API.</summary>
public sealed class StandInPaperlessTestsUsers : IAsyncLifetime
{
    private StandInPaperless _paperless = null!;
    private PaperlessClient _client = null!;

    private (string Name, string Value) Admin => Token(_paperless.Data.AdminToken);

    public async ValueTask InitializeAsync()
    {
        _paperless = await StandInPaperless.StartAsync(
            new()
            {
                WithPeople = true,
                SocialProviders = [new SocialProvider(
                    "authentik",
                    "authentik",
                    "paperless",
                    "https://sso.example/o/paperless/",
                    "https://sso.example/authorize")],
            },
            Ct);
        _client = new PaperlessClient(_paperless);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return _paperless.DisposeAsync();
    }

    [Theory]
    [InlineData("application/json; version=9", 200)]
    [InlineData("application/json; version=10", 200)]
    [InlineData("application/json; version=8", 406)]
    [InlineData("application/json; version=11", 406)]
    [InlineData("application/json", 200)]
    [InlineData("*/*", 200)]
    [InlineData("image/png", 406)]
    public async Task The_api_knows_two_versions(string accept, int status)
    {
        using HttpResponseMessage response = await _client.GetAsync("/api/users/", Admin, ("Accept", accept));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", "text/html")]
    [InlineData("application/json, text/html", "application/json")]
    public async Task A_browser_that_opens_the_api_gets_a_page(string accept, string mediaType)
    {
        using HttpResponseMessage response = await _client.GetAsync("/api/users/", Admin, ("Accept", accept));

        Assert.Equal(mediaType, response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("username__iexact=ALICE", 2)]
    [InlineData("username__istartswith=al", 2)]
    [InlineData("username__iendswith=OB", 1)]
    [InlineData("username__icontains=dmi", 1)]
    [InlineData("username=alice", 4)]
    [InlineData("email=admin@example.com", 4)]
    [InlineData("id=1", 4)]
    public async Task Unknown_filters_return_everything_and_iexact_may_return_two(string query, int count)
    {
        _paperless.Data.AddUser("Alice");
        _paperless.Data.AddUser("consumer");

        JsonElement page = await _client.JsonAsync("/api/users/?" + query, Admin);

        Assert.Equal(count, page.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Pages_link_absolutely_by_the_request_s_host()
    {
        JsonElement first = await _client.JsonAsync("/api/users/?page_size=1&ordering=-username", Admin, ("Host", "docs.example.com"));
        JsonElement second = await _client.JsonAsync("/api/users/?page_size=1&ordering=-username&page=2", Admin, ("Host", "docs.example.com"));
        using HttpResponseMessage beyond = await _client.GetAsync("/api/users/?page=99", Admin);

        Assert.Equal(["count", "next", "previous", "results"], first.EnumerateObject().Select(property => property.Name));
        Assert.Equal("http://docs.example.com/api/users/?page_size=1&ordering=-username&page=2", first.GetProperty("next").GetString());
        Assert.Equal(JsonValueKind.Null, first.GetProperty("previous").ValueKind);
        Assert.Equal("http://docs.example.com/api/users/?page_size=1&ordering=-username", second.GetProperty("previous").GetString());
        Assert.Equal("bob", first.GetProperty("results")[0].GetProperty("username").GetString());
        Assert.Equal(HttpStatusCode.NotFound, beyond.StatusCode);
    }

    [Fact]
    public async Task A_new_user_is_shown_with_stars_for_a_password()
    {
        using HttpResponseMessage response = await _client.PostAsync("/api/users/", Json("""{"username":"sally"}"""), Admin);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        JsonElement user = await JsonAsync(response);
        Assert.Equal(
            "id username email password first_name last_name date_joined is_staff is_active is_superuser groups user_permissions inherited_permissions "
                + "is_mfa_enabled",
            string.Join(' ', user.EnumerateObject().Select(property => property.Name)));
        Assert.Equal("**********", user.GetProperty("password").GetString());
        Assert.Null(_paperless.Data.FindUser("sally")!.Password);
    }

    [Theory]
    [InlineData("""{"username":"alice"}""", """{"username":["A user with that username already exists."]}""")]
    [InlineData("""{}""", """{"username":["This field is required."]}""")]
    [InlineData("""{"username":""}""", """{"username":["This field may not be blank."]}""")]
    [InlineData(
        """{"username":"a b"}""",
        """{"username":["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."]}""")]
    [InlineData("""{"username":"x","email":"nope"}""", """{"email":["Enter a valid email address."]}""")]
    [InlineData("""{"username":"x","groups":[99]}""", """{"groups":["Invalid pk \"99\" - object does not exist."]}""")]
    [InlineData("""{"username":"x","groups":["editors"]}""", """{"groups":["Incorrect type. Expected pk value, received str."]}""")]
    [InlineData("""not json""", """{"detail":"JSON parse error - Expecting value: line 1 column 1 (char 0)"}""")]
    public async Task What_is_wrong_with_a_user_is_400(string body, string error)
    {
        using HttpResponseMessage response = await _client.PostAsync("/api/users/", Json(body), Admin);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(error, await TextAsync(response));
    }

    [Theory]
    [InlineData("Jürgen.Ünal", 201)]
    [InlineData("a@b.c+d-e_f", 201)]
    [InlineData("mallory:x", 400)]
    public async Task A_name_may_hold_letters_digits_and_five_signs(string name, int status)
    {
        using HttpResponseMessage response = await _client.PostAsync(
            "/api/users/", Json(JsonSerializer.Serialize(new { username = name, email = "admin@example.com" })), Admin);
        using HttpResponseMessage tooLong = await _client.PostAsync("/api/users/", Json($$"""{"username":"{{new string('x', 151)}}"}"""), Admin);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, tooLong.StatusCode);
    }

    [Fact]
    public async Task Patching_groups_replaces_the_set()
    {
        string path = $"/api/users/{_paperless.Data.FindUser("alice")!.Id}/";

        async Task<HttpStatusCode> Patch(string body)
        {
            using HttpResponseMessage response = await _client.SendAsync(HttpMethod.Patch, path, Json(body), Admin);
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.OK, await Patch("""{"groups":[1,2]}"""));
        Assert.Equal(["editors", "viewers"], _paperless.Data.GroupsOf("alice"));
        Assert.Equal(HttpStatusCode.BadRequest, await Patch("""{"groups":[1,77]}"""));
        Assert.Equal(HttpStatusCode.OK, await Patch("""{"groups":[2]}"""));
        Assert.Equal(["viewers"], _paperless.Data.GroupsOf("alice"));
        Assert.Equal(HttpStatusCode.OK, await Patch("""{"groups":[]}"""));
        Assert.Empty(_paperless.Data.GroupsOf("alice"));
    }

    [Fact]
    public async Task Groups_take_bare_codenames_and_need_the_list()
    {
        async Task<(HttpStatusCode, string)> Post(string body)
        {
            using HttpResponseMessage response = await _client.PostAsync("/api/groups/", Json(body), Admin);
            return (response.StatusCode, await TextAsync(response));
        }

        Assert.Equal(
            (HttpStatusCode.Created, """{"id":3,"name":"scanners","permissions":["view_document"]}"""),
            await Post("""{"name":"scanners","permissions":["view_document"]}"""));
        Assert.Equal(HttpStatusCode.Created, (await Post("""{"name":"empty","permissions":[]}""")).Item1);
        Assert.Equal(
            (HttpStatusCode.BadRequest, """{"permissions":["This field is required."]}"""), await Post("""{"name":"x"}"""));
        Assert.Equal(
            (HttpStatusCode.BadRequest, """{"name":["group with this name already exists."]}"""),
            await Post("""{"name":"editors","permissions":[]}"""));
        Assert.Equal(HttpStatusCode.BadRequest, (await Post("""{"name":"x","permissions":["documents.view_document"]}""")).Item1);
    }

    [Fact]
    public async Task Only_a_superuser_makes_or_edits_superusers_and_is_told_so_in_plain_text()
    {
        _paperless.Data.AddPerson("clerk", "view_user", "add_user", "change_user");
        (string Name, string Value) clerk = Token(_paperless.Data.TokenOf("clerk"));

        using HttpResponseMessage grant = await _client.PostAsync("/api/users/", Json("""{"username":"x","is_superuser":true}"""), clerk);
        using HttpResponseMessage edit = await _client.SendAsync(HttpMethod.Patch, "/api/users/1/", Json("""{"first_name":"X"}"""), clerk);
        using HttpResponseMessage plain = await _client.PostAsync("/api/users/", Json("""{"username":"y"}"""), clerk);

        Assert.Equal(HttpStatusCode.Forbidden, grant.StatusCode);
        Assert.Equal("Superuser status can only be granted by a superuser", await TextAsync(grant));
        Assert.Equal(HttpStatusCode.Forbidden, edit.StatusCode);
        Assert.Equal(HttpStatusCode.Created, plain.StatusCode);
    }

    [Fact]
    public async Task Without_the_permission_the_settings_and_the_users_are_403()
    {
        _paperless.Data.AddUser("plain");
        (string Name, string Value) plain = Token(_paperless.Data.TokenOf("plain"));

        using HttpResponseMessage settings = await _client.GetAsync("/api/ui_settings/", plain);
        using HttpResponseMessage users = await _client.GetAsync("/api/users/", plain);

        Assert.Equal(HttpStatusCode.Forbidden, settings.StatusCode);
        Assert.Equal("""{"detail":"You do not have permission to perform this action."}""", await TextAsync(users));
    }

    [Fact]
    public async Task The_settings_say_who_asks()
    {
        (string? cookie, string _) = await _client.EnterAsync("alice");

        JsonElement bySession = await _client.JsonAsync("/api/ui_settings/", Cookie(cookie));
        JsonElement byToken = await _client.JsonAsync("/api/ui_settings/", Admin);

        Assert.Equal("alice", bySession.GetProperty("user").GetProperty("username").GetString());
        Assert.True(byToken.GetProperty("user").GetProperty("is_superuser").GetBoolean());
        Assert.Equal("3.0.5", byToken.GetProperty("settings").GetProperty("version").GetString());
        Assert.Contains("add_document", bySession.GetProperty("permissions").EnumerateArray().Select(item => item.GetString()));
    }

    [Fact]
    public async Task The_profile_shows_the_token_in_clear_and_making_another_ends_it()
    {
        string old = _paperless.Data.TokenOf("alice");
        JsonElement profile = await _client.JsonAsync("/api/profile/", Token(old));
        using HttpResponseMessage made = await _client.PostAsync("/api/profile/generate_auth_token/", null, Token(old));
        using HttpResponseMessage gone = await _client.GetAsync("/api/profile/", Token(old));

        Assert.Equal(
            "email password first_name last_name auth_token social_accounts has_usable_password is_mfa_enabled",
            string.Join(' ', profile.EnumerateObject().Select(property => property.Name)));
        Assert.Equal(old, profile.GetProperty("auth_token").GetString());
        Assert.Equal(_paperless.Data.TokenOf("alice"), (await JsonAsync(made)).GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, gone.StatusCode);
    }

    [Fact]
    public async Task Connected_accounts_are_listed_and_disconnected_by_id()
    {
        SocialAccount account = _paperless.Data.AddSocialAccount("alice", "authentik", "sally");
        (string Name, string Value) alice = Token(_paperless.Data.TokenOf("alice"));

        JsonElement profile = await _client.JsonAsync("/api/profile/", alice);
        JsonElement providers = await _client.JsonAsync("/api/profile/social_account_providers/", alice);
        using HttpResponseMessage first = await _client.PostAsync("/api/profile/disconnect_social_account/", Json($$"""{"id":{{account.Id}}}"""), alice);
        using HttpResponseMessage again = await _client.PostAsync("/api/profile/disconnect_social_account/", Json($$"""{"id":{{account.Id}}}"""), alice);

        Assert.Equal("""[{"id":1,"provider":"authentik","name":"sally"}]""", profile.GetProperty("social_accounts").GetRawText());
        Assert.Equal(
            """[{"name":"authentik","login_url":"/accounts/oidc/authentik/login/?process=connect"}]""", providers.GetRawText());
        Assert.Equal("1", await TextAsync(first));
        Assert.Equal(HttpStatusCode.BadRequest, again.StatusCode);
        Assert.Equal("Social account not found", await TextAsync(again));
    }

    [Fact]
    public async Task A_mobile_app_finds_the_provider_and_the_scopes()
    {
        JsonElement config = await _client.JsonAsync("/api/auth/headless/app/v1/config");
        using HttpResponseMessage page = await _client.GetAsync("/accounts/login/");
        string cookie = SetCookie(page, "csrftoken")!.Split(';')[0];
        using FormUrlEncodedContent form = new FormUrlEncodedContent(
        [
            new("provider", "authentik"), new("callback_url", "/"), new("process", "login"),
            new("csrfmiddlewaretoken", cookie.Split('=')[1]),
        ]);
        using HttpResponseMessage redirect = await _client.PostAsync("/api/auth/headless/browser/v1/auth/provider/redirect", form, Cookie(cookie));
        using HttpResponseMessage token = await _client.PostAsync(
            "/api/auth/headless/app/v1/auth/provider/token", Json(
                """{"provider":"authentik","process":"login","token":{"client_id":"paperless","id_token":"x"}}"""));

        Assert.Equal(
            """[{"id":"authentik","name":"authentik","flows":["provider_redirect","provider_token"],"client_id":"paperless","""
            + "\"openid_configuration_url\":\"https://sso.example/o/paperless/.well-known/openid-configuration\"}]",
            config.GetProperty("data").GetProperty("socialaccount").GetProperty("providers").GetRawText());
        Assert.Contains("scope=openid+profile+email", redirect.Headers.Location!.Query, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, token.StatusCode);
    }
}
