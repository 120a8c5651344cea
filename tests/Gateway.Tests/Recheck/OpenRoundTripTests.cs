using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Recheck;

/// <summary>
/// authentik answers a denied silent authentication with a page of its own, so the browser does not come back. The session then gets nothing but
/// further silent authentications, after one recheck interval.
/// </summary>
public sealed class OpenRoundTripTests
{
    private const string Group = "paperless-users";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Somebody_without_access_who_is_left_at_the_providers_page_gets_nothing_after_one_recheck_interval(bool restart)
    {
        await using World world = await World.StartAsync(options => options.Provider = given => given with { RequiredGroup = Group });
        SetGroups(world, Group);
        using Visitor alice = await DueAsync(world);
        SetGroups(world);

        Assert.Equal(world.Provider.Address.Authority, (await alice.NavigateAsync("/documents/2")).Address.Authority);

        // A slow provider, another tab and a closed tab look like this: the other requests go on for now.
        world.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/2")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        world.Clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(world.Provider.Address.Authority, (await alice.NavigateAsync("/documents/2")).Address.Authority);
        Assert.Equal("authentik", CapturedLog.Value(Assert.Single(world.Log.Of("SilentAuthenticationNotFinished")), "Provider"));
        world.Clock.Advance(TimeSpan.FromMinutes(3.5));
        if (restart)
        {
            await world.RestartGatewayAsync();
        }

        Assert.Equal(world.Provider.Address.Authority, (await alice.NavigateAsync("/documents/2")).Address.Authority);
        world.Clock.Advance(TimeSpan.FromSeconds(35));
        world.Paperless.ForgetReceived();

        Page page = await alice.NavigateAsync("/documents/2");
        Page script = await alice.FetchAsync("/api/documents/");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.Unauthorized), (page.Status, script.Status));
        Assert.Contains("has not sent the browser back", page.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/accounts/logout/\"", page.Text, StringComparison.Ordinal);
        Assert.Empty(world.Forwarded);
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(world.Provider.Address.Authority, (await alice.NavigateAsync("/documents/2")).Address.Authority);

        // Nobody is locked out: who has access again is confirmed by the next page.
        SetGroups(world, Group);
        world.Clock.Advance(TimeSpan.FromMinutes(1.1));
        Page allowed = await alice.NavigateAsync("/documents/2");
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (allowed.Status, allowed.Address.PathAndQuery));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    [Fact]
    public async Task Somebody_who_has_closed_the_page_too_early_is_confirmed_by_the_next_page()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        Assert.Equal(HttpStatusCode.Redirect, (await alice.OpenAsync("/documents/2")).Status);
        world.Clock.Advance(TimeSpan.FromMinutes(6));

        // At this, Paperless's interface loads its page anew.
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, 4), (page.Status, page.Trail.Count));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task Pages_in_other_tabs_are_served_while_one_tab_is_at_the_provider()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        Page begun = await alice.OpenAsync("/documents/2");
        Page answered = await alice.OpenAsync(begun.Location!.AbsoluteUri, "cross-site");
        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/3")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/4", headers: ("Sec-Purpose", "prefetch"))).Status);
        await alice.OpenAsync(answered.Location!.PathAndQuery, "cross-site");

        for (int minutes = 0; minutes < 50; minutes += 10)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(10));
            Assert.Single((await alice.NavigateAsync("/documents/2")).Trail);
        }
    }

    [Theory]
    [InlineData("server_error")]
    [InlineData("interaction_required")]
    public async Task A_silent_authentication_that_comes_back_with_an_error_holds_no_session_back(string error)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        world.Provider.NextAuthorizeError = new ProviderError(error);
        Assert.Equal(HttpStatusCode.OK, (await alice.NavigateAsync("/documents/2")).Status);

        for (int minutes = 0; minutes < 50; minutes += 10)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(10));
            Assert.Single((await alice.NavigateAsync("/documents/2")).Trail);
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Empty(world.Log.Of("SilentAuthenticationNotFinished"));
    }

    [Fact]
    public async Task A_provider_that_goes_away_during_a_silent_authentication_locks_nobody_out()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        Assert.Equal(HttpStatusCode.Redirect, (await alice.OpenAsync("/documents/2")).Status);
        world.Provider.Outage = Outage.DropsConnections;
        world.Clock.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/2")).Status);
        for (int minutes = 0; minutes < 60; minutes += 10)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(10));
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
            Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/2")).Status);
        }

        world.Provider.Outage = Outage.None;
        world.Clock.Advance(TimeSpan.FromMinutes(1.1));
        Assert.Equal(4, (await alice.NavigateAsync("/documents/2")).Trail.Count);
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    /// <summary>A browser whose next page makes a silent authentication.</summary>
    private static async Task<Visitor> DueAsync(World world)
    {
        Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        return alice;
    }

    private static void SetGroups(World world, params string[] groups) =>
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = groups });
}
