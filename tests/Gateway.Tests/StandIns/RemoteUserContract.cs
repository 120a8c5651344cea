using System.Net;
using System.Text.Json;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>The user header of Paperless, with PAPERLESS_ENABLE_HTTP_REMOTE_USER and with PAPERLESS_ENABLE_HTTP_REMOTE_USER_API.</summary>
public abstract class RemoteUserContract(Installation installation) : PaperlessContract(installation)
{
    [Fact]
    public async Task A_page_with_the_user_header_creates_the_user_without_any_permission()
    {
        string name = Paperless.Name("alice");

        using HttpResponseMessage response = await Client.GetAsync("/dashboard", RemoteUser(name));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        JsonElement alice = (await Paperless.FindUserAsync(name))!.Value;
        Assert.Equal("", alice.GetProperty("email").GetString());
        Assert.Equal(
            [true, false, false],
            ((string[])["is_active", "is_staff", "is_superuser"]).Select(flag => alice.GetProperty(flag).GetBoolean()));
        Assert.All(["groups", "user_permissions"], list => Assert.Equal(0, alice.GetProperty(list).GetArrayLength()));
    }

    [Fact]
    public async Task The_user_header_alone_opens_the_API_only_if_enabled_for_the_API()
    {
        (string Name, string Value) alice = RemoteUser(Paperless.Name("alice"));

        using HttpResponseMessage first = await Client.GetAsync("/api/profile/", alice);
        using HttpResponseMessage second = await Client.GetAsync("/api/profile/", alice);

        if (Paperless.RemoteUserApi)
        {
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            Assert.NotNull(SetCookie(first, "sessionid"));
            Assert.NotNull(SetCookie(first, "csrftoken"));
            Assert.NotEqual(SetCookie(first, "sessionid"), SetCookie(second, "sessionid"));
        }
        else
        {
            Assert.Equal(HttpStatusCode.Unauthorized, first.StatusCode);
            Assert.Equal("Token", first.Headers.WwwAuthenticate.ToString());
            Assert.Null(await Paperless.FindUserAsync(alice.Value));
        }
    }

    [Fact]
    public async Task A_session_cookie_alone_opens_the_API()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");
        (string? cookie, string _) = await Client.EnterAsync(alice.Name);

        using HttpResponseMessage response = await Client.GetAsync("/api/profile/", Cookie(cookie));

        Assert.Equal(alice.Email, (await JsonAsync(response)).GetProperty("email").GetString());
        Assert.Equal("10", response.Headers.GetValues("X-Api-Version").Single());
        Assert.StartsWith("3.", response.Headers.GetValues("X-Version").Single(), StringComparison.Ordinal);
        Assert.Null(SetCookie(response, "sessionid"));
    }

    [Fact]
    public async Task The_API_refuses_requests_without_a_session_and_with_an_invalid_token()
    {
        using HttpResponseMessage nobody = await Client.GetAsync("/api/profile/");
        using HttpResponseMessage badToken = await Client.GetAsync("/api/profile/", Token("wrong"));

        Assert.Equal((Paperless.Refused, Paperless.Refused), (nobody.StatusCode, badToken.StatusCode));
        Assert.Equal(!Paperless.RemoteUserApi, nobody.Headers.WwwAuthenticate.Count > 0);
        Assert.False(nobody.Headers.Contains("X-Version"));
    }

    [Fact]
    public async Task The_user_header_wins_over_a_token_only_if_enabled_for_the_API()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");

        string? badToken = await WhoAsync(Token("wrong"), RemoteUser(alice.Name));
        string? admin = await WhoAsync(Admin, RemoteUser(alice.Name));

        Assert.Equal(Paperless.RemoteUserApi ? alice.Email : null, badToken);
        Assert.Equal(Paperless.RemoteUserApi ? alice.Email : await WhoAsync(Admin), admin);
    }

    [Fact]
    public async Task A_POST_with_a_session_cookie_needs_the_CSRF_token()
    {
        (string? cookie, string? token) = await Client.EnterAsync(Paperless.Name("alice"));

        using HttpResponseMessage without = await Client.PostAsync(GenerateToken, null, Cookie(cookie));
        using HttpResponseMessage with = await Client.PostAsync(GenerateToken, null, Cookie(cookie), ("X-CSRFToken", token));
        using HttpResponseMessage wrong = await Client.PostAsync(GenerateToken, null, Cookie(cookie), ("X-CSRFToken", new string('a', 32)));

        Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
        Assert.Equal("""{"detail":"CSRF Failed: CSRF token missing."}""", await TextAsync(without));
        Assert.Equal(HttpStatusCode.OK, with.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
    }

    [Fact]
    public async Task A_POST_with_a_session_cookie_and_a_CSRF_token_must_come_from_Paperless_own_origin()
    {
        (string? cookie, string? token) = await Client.EnterAsync(Paperless.Name("alice"));

        async Task<HttpStatusCode> Post(string origin)
        {
            using HttpResponseMessage response = await Client.PostAsync(GenerateToken, null, Cookie(cookie), ("X-CSRFToken", token), ("Origin", origin));
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.OK, await Post(Client.Address.GetLeftPart(UriPartial.Authority)));
        Assert.Equal(HttpStatusCode.Forbidden, await Post("https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await Post("null"));
    }

    [Theory]
    [InlineData(true, HttpStatusCode.Forbidden)]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    public async Task A_POST_with_the_user_header_from_another_origin_is_accepted_if_enabled_for_the_API(bool withCookie, HttpStatusCode status)
    {
        string name = Paperless.Name("alice");
        (string? cookie, string _) = await Client.EnterAsync(name);

        using HttpResponseMessage response = await Client.PostAsync(
            GenerateToken, null, Cookie(withCookie ? cookie : "other=1"), RemoteUser(name), ("Origin", "https://evil.example"));

        Assert.Equal(Paperless.RemoteUserApi ? HttpStatusCode.OK : status, response.StatusCode);
    }

    [Fact]
    public async Task On_the_API_another_users_header_is_ignored_or_ends_the_session()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");
        string bob = Paperless.Name("bob");
        (string? cookie, string _) = await Client.EnterAsync(alice.Name);

        string? who = await WhoAsync(Cookie(cookie), RemoteUser(bob));

        Assert.Equal(Paperless.RemoteUserApi ? "" : alice.Email, who);
        Assert.Equal(Paperless.RemoteUserApi, await Paperless.FindUserAsync(bob) is not null);
        Assert.Equal(Paperless.RemoteUserApi ? null : alice.Email, await WhoAsync(Cookie(cookie)));
    }

    [Fact]
    public async Task On_a_page_another_users_header_starts_a_new_session()
    {
        (ContractUser? alice, ContractUser? bob) = (await Paperless.AddUserAsync("alice"), await Paperless.AddUserAsync("bob"));
        (string? cookie, string _) = await Client.EnterAsync(alice.Name);

        using HttpResponseMessage response = await Client.GetAsync("/dashboard", Cookie(cookie), RemoteUser(bob.Name));

        Assert.Equal(bob.Email, await WhoAsync(Cookie(SetCookie(response, "sessionid")!.Split(';')[0])));
        Assert.Null(await WhoAsync(Cookie(cookie)));
    }

    [Fact]
    public async Task Without_the_user_header_the_session_is_kept_and_with_an_empty_header_it_is_destroyed()
    {
        (string? cookie, string _) = await Client.EnterAsync(Paperless.Name("alice"));

        using HttpResponseMessage without = await Client.GetAsync("/dashboard", Cookie(cookie));
        using HttpResponseMessage empty = await Client.GetAsync("/dashboard", Cookie(cookie), RemoteUser(""));

        Assert.Equal(HttpStatusCode.OK, without.StatusCode);
        Assert.Equal(HttpStatusCode.Found, empty.StatusCode);
        Assert.Contains("Max-Age=0", SetCookie(empty, "sessionid"), StringComparison.Ordinal);
        Assert.Null(await WhoAsync(Cookie(cookie)));
    }

    [Fact]
    public async Task An_inactive_user_is_refused_and_open_sessions_stop_immediately()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");
        (string? cookie, string _) = await Client.EnterAsync(alice.Name);
        using HttpResponseMessage switchedOff = await Client.SendAsync(HttpMethod.Patch, alice.Path, Json("""{"is_active":false}"""), Admin);

        using HttpResponseMessage page = await Client.GetAsync("/dashboard", RemoteUser(alice.Name));

        Assert.Equal(Login + "?next=/dashboard", page.Headers.Location?.ToString());
        Assert.Null(await WhoAsync(Cookie(cookie), RemoteUser(alice.Name)));
    }

    [Theory]
    [InlineData("ALICE")]
    [InlineData("a/b c<x>")]
    [InlineData("Jürgen")]
    public async Task Any_user_name_in_the_header_is_accepted_as_written_in_Latin_1(string ending)
    {
        await Paperless.AddUserAsync("alice");
        string name = Paperless.Name(ending);

        using HttpResponseMessage response = await Client.GetAsync("/dashboard", RemoteUser(name));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.NotNull(await Paperless.FindUserAsync(name));
    }

    [Fact]
    public async Task A_UTF_8_user_name_in_the_header_is_read_as_Latin_1()
    {
        string name = Paperless.Name("JÃ¼rgen");

        using HttpResponseMessage response = await Client.GetAsync("/dashboard", RemoteUser(name));

        Assert.NotNull(await Paperless.FindUserAsync(name));
    }

    [Fact]
    public async Task Two_user_headers_are_joined_with_a_comma()
    {
        (string? carol, string? dave) = (Paperless.Name("carol"), Paperless.Name("dave"));

        await RawHttp.SendAsync(
            Client.Address,
            $"GET /dashboard HTTP/1.1\r\nHost: {Client.Address.Authority}\r\nRemote-User: {carol}\r\nremote-user: {dave}\r\nConnection: close\r\n\r\n");

        Assert.NotNull(await Paperless.FindUserAsync($"{carol},{dave}"));
    }

    [Fact]
    public async Task An_underscore_in_a_header_name_does_not_count_as_a_hyphen()
    {
        using HttpResponseMessage response = await Client.GetAsync("/dashboard", ("Remote_User", Paperless.Name("alice")));

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
    }

    [Fact]
    public async Task The_user_header_is_ignored_on_every_path_that_contains_api_unless_enabled_for_the_API()
    {
        using HttpResponseMessage response = await Client.GetAsync("/x/api/y", RemoteUser(Paperless.Name("alice")));

        Assert.Equal(Paperless.RemoteUserApi ? null : Login + "?next=/x/api/y", response.Headers.Location?.ToString());
    }
}
