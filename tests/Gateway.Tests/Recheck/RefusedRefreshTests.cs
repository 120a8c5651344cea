using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Recheck;

/// <summary>
/// A refused refresh may say nothing about the person: the next page asks the provider by a silent authentication. Without an answer the
/// session is held back after one recheck interval.
/// </summary>
public sealed class RefusedRefreshTests
{
    public static TheoryData<string> Errors =>
    [
        "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "interaction_required", "consent_required", "login_required",
        "access_denied", "account_selection_required",
    ];

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task A_refused_refresh_ends_no_session_and_the_next_page_asks_the_provider(string error)
    {
        await using World world = await StartAsync(error);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Contains("prompt=none", page.Trail[1].Query, StringComparison.Ordinal);
        Assert.Empty(world.Log.Of("SessionEnded"));
        Assert.Equal(error, CapturedLog.Value(Assert.Single(world.Log.Of("RefreshRefused")), "Error"));
        Assert.Equal("authentik", CapturedLog.Value(Assert.Single(world.Log.Of("RefreshTokensAlwaysRefused")), "Provider"));

        // Confirmed: nothing is held back.
        world.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Refreshes());
    }

    [Theory]
    [InlineData("login_required")]
    [InlineData("access_denied")]
    [InlineData("interaction_required")]
    [InlineData("consent_required")]
    public async Task A_refused_silent_authentication_after_a_refused_refresh_ends_the_session(string error)
    {
        await using World world = await StartAsync("invalid_grant");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        world.Provider.NextAuthorizeError = new ProviderError(error);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Empty(world.Log.Of("RefreshTokensAlwaysRefused"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_unconfirmed_refusal_stands_for_one_recheck_interval_and_then_only_a_page_is_served(bool restart)
    {
        await using World world = await StartAsync("invalid_grant");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        world.Clock.Advance(TimeSpan.FromMinutes(4.9));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        if (restart)
        {
            await world.RestartGatewayAsync();
        }

        world.Clock.Advance(TimeSpan.FromMinutes(0.2));
        world.Paperless.ForgetReceived();

        Page script = await alice.FetchAsync("/api/documents/");
        Page change = await alice.SendAsync(
            HttpMethod.Post,
            "/api/documents/post_document/",
            new StringContent("a=b"),
            ("Sec-Fetch-Mode", "cors"),
            ("Sec-Fetch-Dest", "empty"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Origin", world.Origin),
            ("X-CSRFToken", alice.Cookie("csrftoken") ?? "none"));
        Page account = await alice.FetchAsync("/accounts/password/change/");
        Page connect = await alice.NavigateAsync("/accounts/oidc/authentik/login/?process=connect", "same-origin");

        Assert.Equal(
            [HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized],
            [script.Status, change.Status, account.Status]);
        Assert.Contains("session_unconfirmed", script.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, connect.Status);
        Assert.Contains("Nothing was connected", connect.Text, StringComparison.Ordinal);
        Assert.Empty(world.Forwarded);
        Assert.Empty(world.Log.Of("SessionEnded"));

        Page page = await alice.NavigateAsync("/documents/2");
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData("/accounts/password/change/")]
    [InlineData("/documents?long")]
    public async Task A_page_that_is_no_return_address_leads_to_the_front_page_where_the_session_is_held_back(string path)
    {
        await using World world = await StartAsync("invalid_grant");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");
        world.Clock.Advance(TimeSpan.FromMinutes(6));

        Page page = await alice.NavigateAsync(path.Replace("long", "text=" + new string('a', 3000), StringComparison.Ordinal));

        Assert.Equal((HttpStatusCode.OK, "/"), (page.Status, page.Address.PathAndQuery));
        Assert.Contains("prompt=none", page.Trail[1].Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connect_that_began_before_the_session_was_held_back_links_nothing()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(options => options.Provider = given => given with
        {
            OfflineAccess = true,
            RefreshError = "invalid_grant",
            AccessTokenLifetime = TimeSpan.FromMinutes(5),
        });
        using Visitor alice = await both.World.SignedInAsync("alice");
        both.World.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");
        RoundTrip connect = await TwoProviders.BeginConnectAsync(alice);
        both.World.Clock.Advance(TimeSpan.FromMinutes(6));

        Page page = await connect.CompleteAsync();

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("connect_unconfirmed", CapturedLog.Value(Assert.Single(both.World.Log.Of("Refused")), "Code"));
        Assert.Equal(["authentik"], both.LinksOf("alice").Select(link => link.Provider));
    }

    [Fact]
    public async Task A_silent_authentication_without_an_answer_causes_no_loop_and_confirms_nothing()
    {
        await using World world = await StartAsync("invalid_grant");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");
        world.Clock.Advance(TimeSpan.FromMinutes(6));
        world.Provider.NextAuthorizeError = new ProviderError("server_error");

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("must confirm this session", page.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/accounts/logout/\"", page.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);

        world.Provider.Outage = Outage.DropsConnections;
        world.Clock.Advance(TimeSpan.FromMinutes(1.1));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.NavigateAsync("/documents/2")).Status);

        world.Provider.Outage = Outage.None;
        world.Clock.Advance(TimeSpan.FromMinutes(1.1));
        Assert.Equal(HttpStatusCode.OK, (await alice.NavigateAsync("/documents/2")).Status);
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Userinfo_confirms_a_refusal_and_cannot_revoke_one(bool ended)
    {
        await using World world = await StartAsync("invalid_grant", TimeSpan.FromHours(1));
        using Visitor alice = await world.SignedInAsync("alice");
        if (ended)
        {
            await world.Provider.EndSessionsAsync("alice", World.Ct);
        }

        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(ended ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(ended ? 1 : 0, world.Log.Of("SessionEnded").Count);
        if (!ended)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(6));
            Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        }
    }

    [Fact]
    public async Task A_provider_that_has_accepted_a_refresh_token_is_not_named_in_the_log()
    {
        await using World world = await StartAsync(null);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");
        world.Provider.Options = world.Provider.Options with { RefreshError = "invalid_grant" };
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        await alice.NavigateAsync("/documents/2");

        Assert.Single(world.Log.Of("RefreshRefused"));
        Assert.Empty(world.Log.Of("RefreshTokensAlwaysRefused"));
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    [Fact]
    public async Task Each_refused_refresh_leads_the_next_page_to_the_provider_also_within_the_hour_of_the_last_one()
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["scope"] = new JsonArray("openid", "profile", "email", "offline_access"),
            options => options.Provider = provider => provider with { OfflineAccess = true, RefreshError = "invalid_grant" });
        using Visitor alice = await world.SignedInAsync("alice");

        for (int cycle = 1; cycle <= 3; cycle++)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
            world.Clock.Advance(TimeSpan.FromMinutes(6));
            Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
            Page page = await alice.NavigateAsync("/documents/2");

            Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
            Assert.Contains("prompt=none", page.Trail[1].Query, StringComparison.Ordinal);
            Assert.Equal(cycle, world.Log.Of("RefreshRefused").Count);
        }
    }

    private static Task<World> StartAsync(string? error, TimeSpan? accessTokens = null) => RecheckWorld.StartAsync(
        provider: options => options with { RefreshError = error, AccessTokenLifetime = accessTokens ?? TimeSpan.FromMinutes(5) });
}
