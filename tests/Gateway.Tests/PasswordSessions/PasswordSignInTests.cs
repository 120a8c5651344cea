using System.Net;
using System.Text.Json;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.SignOut;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.PasswordSessions;

/// <summary>Signing in at Paperless itself, with a password, beside single sign-on.</summary>
public sealed class PasswordSignInTests
{
    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "")]
    [InlineData(false, "/docs")]
    public async Task A_person_signs_in_with_a_password_and_works(bool api, string scriptName)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.ScriptName = scriptName;
            options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = api ? "true" : "false";
            options.Paperless = paperless => paperless with { RemoteUserApi = api };
        });
        using Visitor alice = world.NewVisitor();

        Page signedIn = await alice.SignInWithPasswordAsync(world, "alice", scriptName + "/documents/2");
        Assert.Equal((HttpStatusCode.Redirect, scriptName + "/documents/2"), (signedIn.Status, signedIn.Location?.PathAndQuery));
        Page page = await alice.NavigateAsync(signedIn.Location!.AbsoluteUri, "same-origin");
        Page read = await alice.FetchAsync(scriptName + "/api/documents/");
        Page written = await alice.FetchAsync(HttpMethod.Patch, scriptName + "/api/documents/1/", PaperlessClient.Json("""{"title":"New"}"""));
        Page withoutCsrf = await alice.FetchAsync(HttpMethod.Patch, scriptName + "/api/documents/1/", PaperlessClient.Json("{}"), ("X-CSRFToken", "nonsense"));

        Assert.Equal((HttpStatusCode.OK, scriptName + "/documents/2", "no-store"), (page.Status, page.Address.PathAndQuery, page.Header("Cache-Control")));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Forbidden), (read.Status, written.Status, withoutCsrf.Status));
        Assert.All(
            world.Forwarded.Where(request => request.Path.Contains("/documents/", StringComparison.Ordinal)),
            request => Assert.Contains($"sessionid={world.Paperless.Data.SessionsOf("alice")[0].Key}", request.Header("Cookie"), StringComparison.Ordinal));
        Assert.Equal("alice", world.Forwarded[^2].SignedInAs);
        Assert.All(world.Forwarded.Concat(world.AskedWho), request => Assert.Empty(request.Lines("Remote-User")));
    }

    [Fact]
    public async Task The_live_status_opens_and_only_from_this_origin()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");

        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        Page foreign = await alice.SendAsync(
            HttpMethod.Get,
            "/ws/status/",
            null,
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Origin", "https://evil.example"));
        Page post = await alice.FetchAsync(HttpMethod.Post, "/api/documents/post_document/", PaperlessClient.Json("{}"), ("Origin", "https://evil.example"));

        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        Assert.Equal(("alice", 101), (world.Forwarded[^1].SignedInAs, world.Forwarded[^1].Status));
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (foreign.Status, post.Status));
        Assert.Equal(2, world.Log.Of("Refused").Count(line => CapturedLog.Value(line, "Code") == "cross_site"));
    }

    [Fact]
    public async Task An_upload_without_a_length_arrives_whole()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");

        Page changed = await alice.FetchAsync(
            HttpMethod.Patch,
            "/api/documents/1/",
            PaperlessClient.Chunked($$"""{"title":"Chunked","notes":"{{new string('x', 3_000_000)}}"}""", "application/json"));

        Assert.Equal(HttpStatusCode.OK, changed.Status);
        Assert.Equal("Chunked", world.Paperless.Data.FindDocument(1)!.Title);
    }

    [Fact]
    public async Task The_session_page_says_that_it_is_a_password()
    {
        await using World world = await World.StartAsync();
        using Visitor admin = await world.SignedInWithPasswordAsync("admin");

        JsonElement session = JsonDocument.Parse((await admin.SessionAsync()).Text).RootElement;
        Page page = await admin.OpenAsync("/gateway/session");

        Assert.Equal(
            ["username", "provider", "issuer", "subject", "groups", "groups_source", "superuser", "signed_in_at", "expires_at", "checked_at"],
            session.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("admin", true), (session.GetProperty("username").GetString(), session.GetProperty("superuser").GetBoolean()));
        Assert.Equal(world.Clock.GetUtcNow(), session.GetProperty("checked_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.All(
            ["provider", "issuer", "subject", "groups", "groups_source", "signed_in_at", "expires_at"],
            name => Assert.Equal(JsonValueKind.Null, session.GetProperty(name).ValueKind));
        OwnPages.IsOne(page, "Your session");
        Assert.Contains("<dd>admin</dd>", page.Text, StringComparison.Ordinal);
        Assert.Contains("with a Paperless password", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Issuer", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_signed_in_already_is_led_on()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");

        Assert.Equal("/documents/1", (await alice.OpenAsync("/accounts/login/?next=%2Fdocuments%2F1")).Location?.PathAndQuery);
        Assert.Equal("/documents/1", (await alice.OpenAsync("/accounts/login/?password=1&next=%2Fdocuments%2F1")).Location?.PathAndQuery);
        Assert.Equal("/documents/1", (await bob.OpenAsync("/accounts/login/?password=1&next=%2Fdocuments%2F1")).Location?.PathAndQuery);
    }

    [Theory]
    [InlineData("false", "/accounts/login/?password=1&next=%2Fdocuments%2F2")]
    [InlineData("true", "/accounts/login/?password=1&next=%2Fdocuments%2F2&loggedout=1")]
    public async Task The_way_to_Paperless_own_page_is_never_led_back_to_single_sign_on(string redirect, string expected)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_REDIRECT_LOGIN_TO_SSO"] = redirect;
            options.Paperless = paperless => paperless with { RedirectLoginToSso = redirect == "true", SocialProviders = [new("authentik", "authentik")] };
        });
        using Visitor stranger = world.NewVisitor();

        Page door = await stranger.OpenAsync("/accounts/login/?loggedout=1&next=%2Fdocuments%2F2");
        Page form = await stranger.OpenAsync(PasswordSignIn.LinkOf(door)!, "same-origin");
        Page head = await stranger.SendAsync(HttpMethod.Head, PasswordSignIn.LinkOf(door)!);

        Assert.Equal(expected, PasswordSignIn.LinkOf(door));
        Assert.Contains("name=\"password\"", form.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", form.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "no-store"), (form.Status, form.Header("Cache-Control")));
        Assert.Equal((HttpStatusCode.OK, "HEAD"), (head.Status, world.Forwarded[^1].Method));
    }

    [Fact]
    public async Task A_wrong_password_opens_nothing_and_is_said_by_Paperless()
    {
        await using World world = await World.StartAsync();
        using Visitor mallory = world.NewVisitor();

        Page page = await mallory.SignInWithPasswordAsync(world, "mallory");

        Assert.Contains("are not correct", page.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await mallory.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.AskedWho);
    }

    [Fact]
    public async Task The_admin_login_is_a_sign_in_as_well()
    {
        await using World world = await World.StartAsync();
        using Visitor admin = world.NewVisitor();
        await admin.OpenAsync("/admin/login/");
        await admin.SendAsync(
            HttpMethod.Post,
            "/admin/login/",
            new FormUrlEncodedContent([new("username", "admin"), new("password", "admin"), new("csrfmiddlewaretoken", admin.Cookie("csrftoken")!)]),
            ("Origin", world.Origin));

        Page page = await admin.OpenAsync("/admin/", "same-origin");

        Assert.Contains("Welcome, admin.", page.Text, StringComparison.Ordinal);
        Assert.Empty(world.Forwarded[^1].Lines("Remote-User"));
    }

    [Fact]
    public async Task A_forgotten_password_can_be_reset_and_sign_up_stays_shut()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        await stranger.OpenAsync("/accounts/password/reset/");
        Page sent = await stranger.SendAsync(
            HttpMethod.Post,
            "/accounts/password/reset/",
            new FormUrlEncodedContent([new("email", "alice@example.com"), new("csrfmiddlewaretoken", stranger.Cookie("csrftoken")!)]),
            ("Origin", world.Origin),
            ("Sec-Fetch-Site", "same-origin"));
        Page done = await stranger.OpenAsync(sent.Location!.AbsoluteUri, "same-origin");
        Page signup = await stranger.OpenAsync("/accounts/signup/");

        Assert.Contains("Check your inbox.", done.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, signup.Status);
    }

    [Fact]
    public async Task The_session_survives_a_restart_of_the_gateway()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        await world.RestartGatewayAsync();

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
    }

    [Fact]
    public async Task A_Paperless_session_that_did_not_come_through_here_opens_nothing()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        string bound = alice.Cookie("sessionid")!;
        string raw = bound[..bound.LastIndexOf('.')];
        using Visitor stranger = world.NewVisitor();
        world.Paperless.ForgetReceived();

        string bobs = bob.Cookie("sessionid")!;
        string[] tries = [raw, raw + ".", raw + "." + new string('A', 22), bound[..^1], bound + "x", bobs, bobs.Split('.')[0] + "." + bound.Split('.')[1]];
        foreach (string value in tries)
        {
            Page page = await stranger.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", "sessionid=" + value));
            Assert.True(page.Status == HttpStatusCode.Unauthorized, $"{value}: {(int)page.Status}");
        }

        Assert.Empty(world.Paperless.Received.Except(world.Asked));
    }

    [Fact]
    public async Task Of_two_sessions_in_one_request_the_one_that_is_asked_about_goes_on()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using Visitor bob = await world.SignedInWithPasswordAsync("bob");
        using Visitor both = world.NewVisitor();

        Page session = await both.SendAsync(
            HttpMethod.Get,
            "/gateway/session",
            null,
            ("Cookie", $"sessionid={alice.Cookie("sessionid")}; sessionid={bob.Cookie("sessionid")}"));
        await both.SendAsync(
            HttpMethod.Get,
            "/api/documents/",
            null,
            ("Cookie", $"sessionid={alice.Cookie("sessionid")}; sessionid={bob.Cookie("sessionid")}"));

        Assert.Contains("\"alice\"", session.Text, StringComparison.Ordinal);
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
    }

    [Fact]
    public async Task With_regular_login_disabled_there_is_no_link_no_page_and_no_session_from_before()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        world.Options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true";
        await world.RestartGatewayAsync();
        world.Paperless.ForgetReceived();

        Page api = await alice.FetchAsync("/api/documents/");
        Page session = await alice.SessionAsync();
        Page door = await alice.OpenAsync("/accounts/login/?password=1");
        Page post = await alice.FetchAsync(HttpMethod.Post, "/accounts/login/?password=1");

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.NotFound), (api.Status, session.Status, post.Status));
        OwnPages.IsOne(door, "Sign in");
        Assert.Null(PasswordSignIn.LinkOf(door));
        Assert.Empty(world.Paperless.Received.Except(world.Asked));
    }

    [Fact]
    public async Task Nobody_is_asked_about_who_needs_no_local_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        string both = $"paperless-gateway={bob.Cookie("paperless-gateway")}; sessionid={alice.Cookie("sessionid")}";
        world.Paperless.ForgetReceived();

        await alice.FetchAsync("/static/frontend/en-US/polyfills.js");
        await alice.OpenAsync("/share/nothing");
        await alice.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Token " + world.Paperless.Data.AdminToken));
        await alice.OpenAsync("/accounts/password/reset/");
        await bob.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", both));

        Assert.Equal(5, world.Forwarded.Count);
        Assert.Equal("bob", world.Forwarded[^1].SignedInAs);
        Assert.DoesNotContain(world.Forwarded, request => request.SignedInAs == "alice" && request.Path != "/accounts/password/reset/");
        Assert.Empty(world.AskedWho);
    }

    [Fact]
    public async Task Single_sign_on_takes_the_place_of_the_password_session()
    {
        await using World world = await World.StartAsync();
        using Visitor browser = await world.SignedInWithPasswordAsync("alice");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, browser);
        await browser.FetchAsync("/api/documents/");
        string old = browser.Cookie("sessionid")!;

        await browser.SignInAsync("bob", "/api/profile/");
        await browser.FetchAsync("/dashboard");

        Assert.Equal("bob", world.Forwarded[^1].SignedInAs);
        Assert.Equal(1008, await socket.ClosedWithAsync());
        Assert.Empty(world.Paperless.Data.SessionsOf("alice"));
        using Visitor thief = world.NewVisitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", "sessionid=" + old))).Status);
        Assert.Contains(world.Log.Of("PasswordSessionEnded"), line => CapturedLog.Value(line, "Cause") == "Replaced");
    }
}
