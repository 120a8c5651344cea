using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Users, groups and profile in the API of Paperless.</summary>
public abstract class UsersContract(Installation installation) : PaperlessContract(installation)
{
    private static JsonArray UiSettings => ["view_uisettings", "add_uisettings", "change_uisettings"];

    [Theory]
    [InlineData("application/json; version=9", 200)]
    [InlineData("application/json; version=10", 200)]
    [InlineData("application/json; version=8", 406)]
    [InlineData("application/json; version=11", 406)]
    [InlineData("application/json", 200)]
    [InlineData("*/*", 200)]
    [InlineData("image/png", 406)]
    public async Task The_API_supports_two_versions(string accept, int status)
    {
        using HttpResponseMessage response = await Client.GetAsync("/api/users/", Admin, ("Accept", accept));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", "text/html")]
    [InlineData("application/json, text/html", "application/json")]
    public async Task A_browser_that_opens_the_API_gets_an_HTML_page(string accept, string mediaType)
    {
        using HttpResponseMessage response = await Client.GetAsync("/api/users/", Admin, ("Accept", accept));

        Assert.Equal(mediaType, response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task User_filters_ignore_letter_case_so_iexact_may_return_two_users()
    {
        await Paperless.AddUserAsync("alice");
        await Paperless.AddUserAsync("ALICE");
        await Paperless.AddUserAsync("bob");

        Assert.Equal(2, await CountAsync("username__iexact=" + Paperless.Name("Alice")));
        Assert.Equal(2, await CountAsync("username__istartswith=" + Paperless.Name("AL")));
        Assert.Equal(3, await CountAsync("username__istartswith=" + Paperless.Name("")));
    }

    [Theory]
    [InlineData("username=")]
    [InlineData("email=")]
    [InlineData("id=")]
    public async Task An_unknown_user_filter_returns_every_user(string filter)
    {
        await Paperless.AddUserAsync("alice");

        Assert.InRange(await CountAsync(filter + Paperless.Name("nobody")), 2, int.MaxValue);
    }

    [Fact]
    public async Task Links_to_further_pages_are_absolute_with_the_host_of_the_request()
    {
        await Paperless.AddUserAsync("alice");
        await Paperless.AddUserAsync("bob");
        string list = $"/api/users/?username__istartswith={Paperless.Name("")}&page_size=1&ordering=-username";
        string absolute = Client.Address.GetLeftPart(UriPartial.Authority) + list;

        JsonElement first = await Client.JsonAsync(list, Admin);
        JsonElement second = await Client.JsonAsync(list + "&page=2", Admin);
        using HttpResponseMessage beyond = await Client.GetAsync(list + "&page=99", Admin);

        Assert.Equal(["count", "next", "previous", "results"], first.EnumerateObject().Select(property => property.Name));
        Assert.Equal(Paperless.Name("bob"), first.GetProperty("results")[0].GetProperty("username").GetString());
        AssertSameAddress(absolute + "&page=2", first.GetProperty("next").GetString());
        Assert.Equal(JsonValueKind.Null, first.GetProperty("previous").ValueKind);
        AssertSameAddress(absolute, second.GetProperty("previous").GetString());
        Assert.Equal(HttpStatusCode.NotFound, beyond.StatusCode);
    }

    [Fact]
    public async Task A_new_users_password_is_shown_as_stars()
    {
        using HttpResponseMessage response = await Client.PostAsync("/api/users/", Json($$"""{"username":"{{Paperless.Name("sally")}}"}"""), Admin);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        JsonElement user = await JsonAsync(response);
        Assert.Equal(
            "id username email password first_name last_name date_joined is_staff is_active is_superuser groups user_permissions inherited_permissions "
                + "is_mfa_enabled",
            string.Join(' ', user.EnumerateObject().Select(property => property.Name)));
        Assert.Equal("**********", user.GetProperty("password").GetString());
    }

    [Theory]
    [InlineData("""{"username":"NAME-taken"}""", """{"username":["A user with that username already exists."]}""")]
    [InlineData("""{}""", """{"username":["This field is required."]}""")]
    [InlineData("""{"username":""}""", """{"username":["This field may not be blank."]}""")]
    [InlineData(
        """{"username":"NAME a b"}""",
        """{"username":["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."]}""")]
    [InlineData("""{"username":"NAME-x","email":"nope"}""", """{"email":["Enter a valid email address."]}""")]
    [InlineData("""{"username":"NAME-x","groups":[987654]}""", """{"groups":["Invalid pk \"987654\" - object does not exist."]}""")]
    [InlineData("""{"username":"NAME-x","groups":["editors"]}""", """{"groups":["Incorrect type. Expected pk value, received str."]}""")]
    [InlineData("""not json""", """{"detail":"JSON parse error - Expecting value: line 1 column 1 (char 0)"}""")]
    public async Task Invalid_user_data_gives_400(string body, string error)
    {
        await Paperless.AddUserAsync("-taken");

        using HttpResponseMessage response = await Client.PostAsync(
            "/api/users/",
            Json(body.Replace("NAME", Paperless.Name(""), StringComparison.Ordinal)),
            Admin);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(error, await TextAsync(response));
    }

    [Theory]
    [InlineData("Jürgen.Ünal", 201)]
    [InlineData("a@b.c+d-e_f", 201)]
    [InlineData("mallory:x", 400)]
    public async Task A_username_may_contain_letters_digits_and_five_punctuation_characters(string ending, int status)
    {
        ContractUser first = await Paperless.AddUserAsync("first");
        var user = new { username = Paperless.Name(ending), email = first.Email };

        using HttpResponseMessage response = await Client.PostAsync("/api/users/", Json(JsonSerializer.Serialize(user)), Admin);
        using HttpResponseMessage tooLong = await Client.PostAsync(
            "/api/users/",
            Json(JsonSerializer.Serialize(new { username = Paperless.Name(new string('x', 151)) })),
            Admin);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, tooLong.StatusCode);
    }

    [Fact]
    public async Task Patching_a_users_groups_replaces_the_set()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");
        (int editors, int viewers) = (await Paperless.AddGroupAsync("editors"), await Paperless.AddGroupAsync("viewers"));

        async Task<HttpStatusCode> Patch(params int[] groups)
        {
            using HttpResponseMessage response = await Client.SendAsync(HttpMethod.Patch, alice.Path, Json(JsonSerializer.Serialize(new { groups })), Admin);
            return response.StatusCode;
        }

        async Task<IEnumerable<int>> Groups() =>
            (await Client.JsonAsync(alice.Path, Admin)).GetProperty("groups").EnumerateArray().Select(group => group.GetInt32()).Order();

        Assert.Equal(HttpStatusCode.OK, await Patch(editors, viewers));
        Assert.Equal(((int[])[editors, viewers]).Order(), await Groups());
        Assert.Equal(HttpStatusCode.BadRequest, await Patch(editors, 987_654));
        Assert.Equal(HttpStatusCode.OK, await Patch(viewers));
        Assert.Equal([viewers], await Groups());
        Assert.Equal(HttpStatusCode.OK, await Patch());
        Assert.Empty(await Groups());
    }

    [Fact]
    public async Task A_new_group_takes_bare_permission_codenames_and_requires_the_list()
    {
        async Task<(HttpStatusCode Status, JsonElement Answer)> Post(string ending, string rest)
        {
            using HttpResponseMessage response = await Client.PostAsync("/api/groups/", Json($$"""{"name":"{{Paperless.Name(ending)}}"{{rest}}}"""), Admin);
            return (response.StatusCode, await JsonAsync(response));
        }

        (HttpStatusCode created, JsonElement scanners) = await Post("scanners", ""","permissions":["view_document"]""");
        Assert.Equal(HttpStatusCode.Created, created);
        Assert.Equal(["id", "name", "permissions"], scanners.EnumerateObject().Select(property => property.Name));
        Assert.Equal("""["view_document"]""", scanners.GetProperty("permissions").GetRawText());
        Assert.Equal(HttpStatusCode.Created, (await Post("empty", ""","permissions":[]""")).Status);

        await AssertRefusedAsync(Post("x", ""), """{"permissions":["This field is required."]}""");
        await AssertRefusedAsync(Post("scanners", ""","permissions":[]"""), """{"name":["group with this name already exists."]}""");
        Assert.Equal(HttpStatusCode.BadRequest, (await Post("x", ""","permissions":["documents.view_document"]""")).Status);
    }

    [Fact]
    public async Task Only_a_superuser_may_create_or_edit_superusers_and_others_get_a_plain_text_refusal()
    {
        ContractUser clerk = await Paperless.AddUserAsync("clerk", ("user_permissions", new JsonArray("view_user", "add_user", "change_user")));
        ContractUser root = await Paperless.AddUserAsync("root", ("is_superuser", true));
        (string Name, string Value)[] session = await SignInAsync(clerk);

        using HttpResponseMessage grant = await Client.PostAsync(
            "/api/users/",
            Json($$"""{"username":"{{Paperless.Name("x")}}","is_superuser":true}"""),
            session);
        using HttpResponseMessage edit = await Client.SendAsync(HttpMethod.Patch, root.Path, Json("""{"first_name":"X"}"""), session);
        using HttpResponseMessage plain = await Client.PostAsync("/api/users/", Json($$"""{"username":"{{Paperless.Name("y")}}"}"""), session);

        Assert.Equal(HttpStatusCode.Forbidden, grant.StatusCode);
        Assert.Equal("Superuser status can only be granted by a superuser", await TextAsync(grant));
        Assert.Equal(HttpStatusCode.Forbidden, edit.StatusCode);
        Assert.Equal(HttpStatusCode.Created, plain.StatusCode);
    }

    [Fact]
    public async Task Without_the_permission_the_UI_settings_and_the_users_are_403()
    {
        (string Name, string Value)[] session = await SignInAsync(await Paperless.AddUserAsync("plain"));

        using HttpResponseMessage settings = await Client.GetAsync("/api/ui_settings/", session);
        using HttpResponseMessage users = await Client.GetAsync("/api/users/", session);

        Assert.Equal(HttpStatusCode.Forbidden, settings.StatusCode);
        Assert.Equal("""{"detail":"You do not have permission to perform this action."}""", await TextAsync(users));
    }

    [Fact]
    public async Task The_UI_settings_name_the_requesting_user()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice", ("user_permissions", UiSettings));

        JsonElement bySession = await Client.JsonAsync("/api/ui_settings/", await SignInAsync(alice));
        JsonElement byToken = await Client.JsonAsync("/api/ui_settings/", Admin);

        Assert.Equal(alice.Id, bySession.GetProperty("user").GetProperty("id").GetInt32());
        Assert.Equal(alice.Name, bySession.GetProperty("user").GetProperty("username").GetString());
        Assert.True(byToken.GetProperty("user").GetProperty("is_superuser").GetBoolean());
        Assert.StartsWith("3.", byToken.GetProperty("settings").GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.Contains("change_uisettings", bySession.GetProperty("permissions").EnumerateArray().Select(item => item.GetString()));
    }

    [Fact]
    public async Task The_profile_shows_the_API_token_in_clear_and_a_new_token_invalidates_the_old_one()
    {
        (string Name, string Value)[] session = await SignInAsync(await Paperless.AddUserAsync("alice"));

        async Task<string> Generate()
        {
            using HttpResponseMessage made = await Client.PostAsync(GenerateToken, null, session);
            return (await JsonAsync(made)).GetString()!;
        }

        string old = await Generate();
        JsonElement profile = await Client.JsonAsync("/api/profile/", Token(old));
        string other = await Generate();

        Assert.Equal(
            "email password first_name last_name auth_token social_accounts has_usable_password is_mfa_enabled",
            string.Join(' ', profile.EnumerateObject().Select(property => property.Name)));
        Assert.Equal(old, profile.GetProperty("auth_token").GetString());
        Assert.NotNull(await WhoAsync(Token(other)));
        Assert.Null(await WhoAsync(Token(old)));
    }

    [Fact]
    public async Task Disconnecting_an_unknown_account_gives_400()
    {
        (string Name, string Value)[] session = await SignInAsync(await Paperless.AddUserAsync("alice"));

        using HttpResponseMessage response = await Client.PostAsync("/api/profile/disconnect_social_account/", Json("""{"id":987654}"""), session);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("Social account not found", await TextAsync(response));
    }

    private static async Task AssertRefusedAsync(Task<(HttpStatusCode Status, JsonElement Answer)> refused, string answer)
    {
        (HttpStatusCode status, JsonElement error) = await refused;
        Assert.Equal((HttpStatusCode.BadRequest, answer), (status, error.GetRawText()));
    }

    /// <summary>Django may give the parameters in another order.</summary>
    private static void AssertSameAddress(string expected, string? actual) =>
        Assert.Equal(expected.Split('?', '&').Order(StringComparer.Ordinal), (actual ?? "").Split('?', '&').Order(StringComparer.Ordinal));

    private async Task<int> CountAsync(string query) => (await Client.JsonAsync("/api/users/?" + query, Admin)).GetProperty("count").GetInt32();

    /// <summary>The headers of a page that the user has open.</summary>
    private async Task<(string Name, string Value)[]> SignInAsync(ContractUser user)
    {
        (string? cookie, string? token) = await Client.EnterAsync(user.Name);
        return [Cookie(cookie), ("X-CSRFToken", token)];
    }
}
