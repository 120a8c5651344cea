using System.Net;
using Gateway.StandIns.Paperless;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>The table of Remote-User: each row in both modes.</summary>
public sealed class StandInPaperlessTestsRemoteUser
{
    private static readonly StandInPaperlessOptions ApiOff = new();
    private static readonly StandInPaperlessOptions ApiOn = new() { RemoteUserApi = true };

    public static TheoryData<bool> BothModes => [false, true];

    [Theory, MemberData(nameof(BothModes))]
    public async Task A_page_with_the_header_makes_the_user_without_any_permission(bool api)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/dashboard", RemoteUser("alice"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        PaperlessUser alice = paperless.Data.FindUser("alice")!;
        Assert.Equal(("", false, false, true), (alice.Email, alice.IsStaff, alice.IsSuperuser, alice.IsActive));
        Assert.Empty(alice.Groups);
        Assert.Empty(paperless.Data.PermissionsOf(alice));
        Assert.Equal("alice", paperless.Received.Single().SignedInAs);
    }

    [Fact]
    public async Task With_the_api_off_the_header_alone_is_401_on_the_api()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ApiOff, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/api/profile/", RemoteUser("alice"));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Token", response.Headers.WwwAuthenticate.ToString());
        Assert.Null(paperless.Data.FindUser("alice"));
    }

    [Fact]
    public async Task With_the_api_on_every_cookieless_call_opens_a_session()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ApiOn, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage first = await client.GetAsync("/api/profile/", RemoteUser("alice"));
        using HttpResponseMessage second = await client.GetAsync("/api/profile/", RemoteUser("alice"));

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.NotNull(SetCookie(first, "sessionid"));
        Assert.NotNull(SetCookie(first, "csrftoken"));
        Assert.NotEqual(SetCookie(first, "sessionid"), SetCookie(second, "sessionid"));
        Assert.Equal(2, paperless.Data.SessionsOf("alice").Count);
    }

    [Theory, MemberData(nameof(BothModes))]
    public async Task A_session_cookie_alone_is_enough_for_the_api(bool api)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.GetAsync("/api/profile/", Cookie(cookie));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("10", response.Headers.GetValues("X-Api-Version").Single());
        Assert.Equal("3.0.5", response.Headers.GetValues("X-Version").Single());
        Assert.Null(SetCookie(response, "sessionid"));
    }

    [Theory]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    [InlineData(true, HttpStatusCode.Forbidden)]
    public async Task Nobody_and_a_bad_token_are_refused_with_the_status_of_the_mode(bool api, HttpStatusCode status)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage nobody = await client.GetAsync("/api/profile/");
        using HttpResponseMessage badToken = await client.GetAsync("/api/profile/", Token("wrong"));

        Assert.Equal(status, nobody.StatusCode);
        Assert.Equal(status, badToken.StatusCode);
        Assert.Equal(!api, nobody.Headers.WwwAuthenticate.Count > 0);
        Assert.False(nobody.Headers.Contains("X-Version"));
    }

    [Fact]
    public async Task With_the_api_off_a_token_counts_and_the_header_does_not()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ApiOff, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage badToken = await client.GetAsync("/api/profile/", Token("wrong"), RemoteUser("alice"));
        using HttpResponseMessage admin = await client.GetAsync("/api/profile/", Token(paperless.Data.AdminToken), RemoteUser("alice"));

        Assert.Equal(HttpStatusCode.Unauthorized, badToken.StatusCode);
        Assert.Equal("admin@example.com", (await JsonAsync(admin)).GetProperty("email").GetString());
        Assert.Equal("admin", paperless.Received[^1].SignedInAs);
    }

    [Fact]
    public async Task With_the_api_on_the_header_wins_over_any_token()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ApiOn, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage badToken = await client.GetAsync("/api/profile/", Token("wrong"), RemoteUser("alice"));
        using HttpResponseMessage admin = await client.GetAsync("/api/profile/", Token(paperless.Data.AdminToken), RemoteUser("alice"));

        Assert.Equal(HttpStatusCode.OK, badToken.StatusCode);
        Assert.Equal(["alice", "alice"], paperless.Received.Select(request => request.SignedInAs));
        Assert.Equal("", (await JsonAsync(admin)).GetProperty("email").GetString());
    }

    [Theory, MemberData(nameof(BothModes))]
    public async Task A_post_by_cookie_needs_the_csrf_token(bool api)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string? token) = await client.EnterAsync("alice");

        using HttpResponseMessage without = await client.PostAsync("/api/profile/generate_auth_token/", null, Cookie(cookie));
        using HttpResponseMessage with = await client.PostAsync(
            "/api/profile/generate_auth_token/", null, Cookie(cookie), ("X-CSRFToken", token));
        using HttpResponseMessage wrong = await client.PostAsync(
            "/api/profile/generate_auth_token/", null, Cookie(cookie), ("X-CSRFToken", new string('a', 32)));

        Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
        Assert.Equal("""{"detail":"CSRF Failed: CSRF token missing."}""", await TextAsync(without));
        Assert.Equal(HttpStatusCode.OK, with.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
    }

    [Theory, MemberData(nameof(BothModes))]
    public async Task A_post_by_cookie_and_token_needs_no_origin_or_its_own(bool api)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string? token) = await client.EnterAsync("alice");

        async Task<HttpStatusCode> Post(string origin)
        {
            using HttpResponseMessage response = await client.PostAsync(
                "/api/profile/generate_auth_token/", null, Cookie(cookie), ("X-CSRFToken", token), ("Origin", origin));
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.OK, await Post(paperless.Address.GetLeftPart(UriPartial.Authority)));
        Assert.Equal(HttpStatusCode.Forbidden, await Post("https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await Post("null"));
    }

    [Theory]
    [InlineData(false, true, HttpStatusCode.Forbidden)]
    [InlineData(false, false, HttpStatusCode.Unauthorized)]
    [InlineData(true, true, HttpStatusCode.OK)]
    [InlineData(true, false, HttpStatusCode.OK)]
    public async Task A_post_by_header_from_a_foreign_origin_is_checked_only_with_the_api_off(
        bool api, bool withCookie, HttpStatusCode status)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.PostAsync(
            "/api/profile/generate_auth_token/",
            null,
            Cookie(withCookie ? cookie : "other=1"),
            RemoteUser("alice"),
            ("Origin", "https://evil.example"));

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task With_the_api_off_the_cookie_of_alice_beats_the_header_bob_on_the_api()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ApiOff, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.GetAsync("/api/profile/", Cookie(cookie), RemoteUser("bob"));

        Assert.Equal("alice", paperless.Received[^1].SignedInAs);
        Assert.Null(paperless.Data.FindUser("bob"));
    }

    [Fact]
    public async Task With_the_api_on_the_header_bob_ends_the_session_of_alice()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ApiOn, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.GetAsync("/api/profile/", Cookie(cookie), RemoteUser("bob"));

        Assert.Equal("bob", paperless.Received[^1].SignedInAs);
        Assert.Empty(paperless.Data.SessionsOf("alice"));
        Assert.Single(paperless.Data.SessionsOf("bob"));
    }

    [Theory, MemberData(nameof(BothModes))]
    public async Task On_a_page_the_header_bob_turns_the_session_of_alice_into_one_of_bob(bool api)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage response = await client.GetAsync("/dashboard", Cookie(cookie), RemoteUser("bob"));

        Assert.Contains(paperless.Data.SessionsOf("bob").Single().Key, SetCookie(response, "sessionid"), StringComparison.Ordinal);
        Assert.Empty(paperless.Data.SessionsOf("alice"));
    }

    [Fact]
    public async Task Without_the_header_the_session_goes_on_and_with_an_empty_one_it_is_destroyed()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ApiOff, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");

        using HttpResponseMessage without = await client.GetAsync("/dashboard", Cookie(cookie));
        using HttpResponseMessage empty = await client.GetAsync("/dashboard", Cookie(cookie), RemoteUser(""));

        Assert.Equal(HttpStatusCode.OK, without.StatusCode);
        Assert.Equal(HttpStatusCode.Found, empty.StatusCode);
        Assert.Contains("Max-Age=0", SetCookie(empty, "sessionid"), StringComparison.Ordinal);
        Assert.Empty(paperless.Data.Sessions);
    }

    [Theory]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    [InlineData(true, HttpStatusCode.Forbidden)]
    public async Task An_inactive_user_stays_out_and_open_sessions_stop_at_once(bool api, HttpStatusCode status)
    {
        await using StandInPaperless paperless = await StartAsync(api);
        using PaperlessClient client = new PaperlessClient(paperless);
        (string? cookie, string _) = await client.EnterAsync("alice");
        paperless.Data.UpdateUser("alice", alice => alice with { IsActive = false });

        using HttpResponseMessage page = await client.GetAsync("/dashboard", RemoteUser("alice"));
        using HttpResponseMessage call = await client.GetAsync("/api/profile/", Cookie(cookie), RemoteUser("alice"));

        Assert.Equal("/accounts/login/?next=/dashboard", page.Headers.Location?.ToString());
        Assert.Equal(status, call.StatusCode);
    }

    private static Task<StandInPaperless> StartAsync(bool api) =>
        StandInPaperless.StartAsync(api ? ApiOn : ApiOff, Ct);
}
