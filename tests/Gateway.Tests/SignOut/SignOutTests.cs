using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Gateway.Tests.SignOut;

public sealed class SignOutTests
{
    private const string SignedOut = "/accounts/login/?loggedout=1";

    [Theory]
    [InlineData("/accounts/logout/")]
    [InlineData("/accounts/logout")]
    [InlineData("/api/auth/logout/")]
    [InlineData("/api/auth/logout")]
    [InlineData("/admin/logout/")]
    [InlineData("/admin/logout")]
    public async Task Every_way_to_sign_out_ends_the_sessions_at_Paperless_the_gateway_and_the_provider(string path)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Single(world.Paperless.Data.Sessions);
        Assert.Single(world.Provider.Sessions);

        Page page = await alice.NavigateAsync(path, "same-origin");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.StartsWith(SignedOut, page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Contains("<h1>Signed out</h1>", page.Text, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Empty(world.Provider.Sessions);
        Assert.Empty(alice.Cookies.GetCookies(new Uri(world.Origin)));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task A_same_site_POST_signs_out_like_a_GET()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.FetchAsync(HttpMethod.Post, "/accounts/logout/", new FormUrlEncodedContent([]));

        // 303: whatever comes next is a GET.
        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.StartsWith(world.Provider.Address.AbsoluteUri, page.Location!.AbsoluteUri, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task The_gateways_session_is_ended_before_the_browser_is_redirected_to_the_provider()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);

        Page page = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.Equal("no-store", page.Header("Cache-Control"));
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Contains(world.Log.Of("SessionEnded"), entry => CapturedLog.Value(entry, "User") == "alice" && CapturedLog.Value(entry, "Cause") == "SignedOut");
        Assert.All(["paperless-gateway", "sessionid", "csrftoken"], name =>
            Assert.Contains(
                page.SetCookies,
                cookie => cookie.StartsWith(name + "=;", StringComparison.Ordinal) && cookie.Contains("max-age=0", StringComparison.Ordinal)));
        Assert.Equal(1008, await socket.ClosedWithAsync());
        await world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);

        // The provider has not been asked yet: that is the browser's next step.
        Assert.Single(world.Provider.Sessions);
    }

    [Fact]
    public async Task The_logout_request_to_the_provider_has_an_ID_token_hint_and_a_return_address()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Equal("/application/o/paperless/end-session/", page.Location!.AbsolutePath);
        Dictionary<string, StringValues> query = QueryHelpers.ParseQuery(page.Location.Query);
        Assert.Equal(["id_token_hint", "post_logout_redirect_uri", "state"], query.Keys.Order());
        JsonWebToken hint = new(query["id_token_hint"]);
        Assert.Equal(world.Provider.Find("alice")!.Subject, hint.Subject);
        Assert.Equal(world.Origin + SignedOut, query["post_logout_redirect_uri"]);
        Assert.Matches("^[0-9a-f]{32}$", query["state"]);
    }

    [Fact]
    public async Task Cookies_from_before_a_sign_out_are_refused_after_the_sign_out()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string stolen = alice.Cookies.GetCookieHeader(new Uri(world.Origin));
        Assert.Contains("paperless-gateway=", stolen, StringComparison.Ordinal);
        Assert.Contains("sessionid=", stolen, StringComparison.Ordinal);
        await alice.NavigateAsync("/accounts/logout/", "same-origin");

        using Visitor thief = world.NewVisitor();
        world.Paperless.ForgetReceived();
        Page api = await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", stolen));
        Page page = await thief.OpenAsync("/dashboard", "none", ("Cookie", stolen));

        Assert.Equal(HttpStatusCode.Unauthorized, api.Status);
        Assert.Equal("/accounts/login/?next=%2Fdashboard", page.Location!.PathAndQuery);
        Assert.Empty(world.Forwarded);

        // Not after a restart either, when nothing is left in memory.
        await world.RestartGatewayAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", stolen))).Status);
    }

    [Fact]
    public async Task A_second_sign_out_and_a_sign_out_without_a_session_show_the_signed_out_page()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(SignedOut, page.Address.PathAndQuery);
        Assert.DoesNotContain(page.Trail, address => address.Authority == world.Provider.Address.Authority);
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task A_sign_out_with_an_expired_session_shows_the_signed_out_page()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromHours(25));

        Page page = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(SignedOut, page.Address.PathAndQuery);
        Assert.Null(alice.Cookie("paperless-gateway"));
    }

    [Fact]
    public async Task After_a_restart_a_sign_out_still_sends_the_ID_token_hint()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.RestartGatewayAsync();

        Page page = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.StartsWith(SignedOut + "&state=", page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Empty(world.Provider.Sessions);
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task The_logout_link_of_Paperless_after_a_password_change_signs_out_despite_its_malformed_query()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.NavigateAsync("/accounts/logout/?next=/accounts/login/?next=/", "same-origin");

        Assert.StartsWith(SignedOut, page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task A_next_parameter_to_another_site_is_ignored_at_the_sign_out()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.NavigateAsync("/accounts/logout/?next=https://evil.example/&post_logout_redirect_uri=https://evil.example/", "same-origin");

        Assert.StartsWith(SignedOut, page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.DoesNotContain(
            page.Trail,
            address => address.AbsoluteUri.Contains("evil", StringComparison.Ordinal) && address.AbsolutePath != "/accounts/logout/");
    }

    [Fact]
    public async Task Below_a_script_name_a_sign_out_ends_every_session_too()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor alice = await world.SignedInAsync("alice", "/docs/");
        Assert.Single(world.Paperless.Data.Sessions);

        Page page = await alice.NavigateAsync("/docs/accounts/logout/", "same-origin");

        Assert.StartsWith("/docs" + SignedOut, page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Empty(world.Provider.Sessions);
        Assert.Empty(alice.Cookies.GetCookies(new Uri(world.Origin + "/docs/")));
    }

    [Fact]
    public async Task A_sign_out_while_Paperless_is_unavailable_ends_the_gateways_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault away = world.Paperless.Faults.Drop(_ => true);

        Page page = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.StartsWith(SignedOut, page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Single(world.Log.Of("PaperlessSessionNotEnded"));
        Assert.Empty(world.Provider.Sessions);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(alice.Cookies.GetCookies(new Uri(world.Origin)));
    }

    [Fact]
    public async Task A_sign_out_of_single_sign_on_ends_no_other_persons_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");

        await bob.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["alice"], world.Provider.Sessions.Select(session => session.Username));
        Assert.Single(world.Paperless.Data.Sessions);
    }
}
