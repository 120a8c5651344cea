using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Recheck;

/// <summary>
/// Without a refresh token and a valid access token, the next page that a person opens is redirected through the provider with
/// `prompt=none`, at most once an hour.
/// </summary>
public sealed class SilentAuthenticationTests
{
    [Fact]
    public async Task A_silent_authentication_at_the_next_page_returns_to_the_requested_page()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        string before = alice.Cookie(SignedIn.CookieName)!;
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["new"] });

        Page page = await alice.NavigateAsync("/documents/2?x=%20y");

        Assert.Equal((HttpStatusCode.OK, "/documents/2?x=%20y"), (page.Status, page.Address.PathAndQuery));
        Assert.Contains("prompt=none", page.Trail[1].Query, StringComparison.Ordinal);
        Assert.DoesNotContain("offline_access", page.Trail[1].Query, StringComparison.Ordinal);
        Assert.Equal(before, alice.Cookie(SignedIn.CookieName));
        Assert.Equal(["new"], JsonNode.Parse((await alice.FetchAsync("/gateway/session")).Text)!["groups"]!.AsArray().Select(group => (string?)group));
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    [Fact]
    public async Task A_silent_authentication_runs_at_most_once_an_hour()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        Assert.Equal(4, (await alice.NavigateAsync("/documents/2")).Trail.Count);

        for (int minutes = 10; minutes < 60; minutes += 10)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(9));
            await alice.FetchAsync("/api/documents/");
            Assert.Single((await alice.NavigateAsync("/documents/2")).Trail);
        }

        world.Clock.Advance(TimeSpan.FromMinutes(20));
        await alice.FetchAsync("/api/documents/");
        Assert.Equal(4, (await alice.NavigateAsync("/documents/2")).Trail.Count);
    }

    [Fact]
    public async Task Within_the_hour_after_a_silent_authentication_neither_the_provider_nor_the_store_is_asked()
    {
        StoreWatch watch = new();
        await using World world = await World.StartAsync(options => options.Services = watch.Install);
        using Visitor alice = await DueAsync(world);
        Assert.Equal(4, (await alice.NavigateAsync("/documents/2")).Trail.Count);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        world.Provider.ClearReceived();

        // Finds out that there is nothing left to ask with, for once.
        Assert.Single((await alice.NavigateAsync("/documents/2")).Trail);
        watch.ForgetCalls();
        for (int minutes = 12; minutes < 60; minutes++)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(1));
            Assert.Single((await alice.NavigateAsync("/documents/2")).Trail);
        }

        Assert.Empty(world.Provider.Received);
        Assert.DoesNotContain(
            watch.Calls,
            call => call is nameof(ISessionStore.FindAsync) or nameof(ILease.TryAcquireLeaseAsync) or nameof(ISessionStore.ReplaceAsync));
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(4, (await alice.NavigateAsync("/documents/2")).Trail.Count);
    }

    [Fact]
    public async Task A_restart_does_not_repeat_a_silent_authentication()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        world.Provider.NextAuthorizeError = new ProviderError("interaction_required");
        await alice.NavigateAsync("/documents/2");
        await world.RestartGatewayAsync();
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/2")).Status);
    }

    [Fact]
    public async Task Only_a_page_navigation_starts_a_silent_authentication()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        string csrf = alice.Cookie("csrftoken")!;

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/documents/2")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/2", headers: ("Sec-Purpose", "prefetch"))).Status);
        Assert.NotEqual(HttpStatusCode.Redirect, (await alice.SendAsync(
            HttpMethod.Post,
            "/api/documents/post_document/",
            new StringContent("a=b"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Origin", world.Origin),
            ("X-CSRFToken", csrf))).Status);
        Page framed = await alice.SendAsync(
            HttpMethod.Get,
            "/api/documents/2/preview/",
            null,
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "iframe"),
            ("Sec-Fetch-Site", "same-origin"));
        Assert.NotEqual(HttpStatusCode.Redirect, framed.Status);

        Assert.Equal(HttpStatusCode.Redirect, (await alice.OpenAsync("/documents/2")).Status);
    }

    [Fact]
    public async Task Login_required_ends_the_session_and_leads_to_the_sign_in_and_back()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        await world.Provider.EndSessionsAsync("alice", World.Ct);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("/documents/2", (await alice.SignInAsync("alice", "/documents/2")).Address.PathAndQuery);
    }

    /// <summary>Duende IdentityServer announces `iss` and leaves it out of error answers.</summary>
    [Theory]
    [InlineData("login_required", nameof(IssuerInAnswers.CodesOnly))]
    [InlineData("login_required", nameof(IssuerInAnswers.All))]
    [InlineData("access_denied", nameof(IssuerInAnswers.CodesOnly))]
    public async Task A_denial_ends_the_session_with_the_sign_in_page_at_a_provider_that_announces_iss(string error, string answers)
    {
        await using World world = await World.StartAsync(options =>
            options.Provider = provider => provider with { IssuerInAnswers = Enum.Parse<IssuerInAnswers>(answers) });
        using Visitor alice = await DueAsync(world);
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        if (error == "login_required")
        {
            alice.Forget("authentik_session");
        }
        else
        {
            world.Provider.NextAuthorizeError = new ProviderError(error);
        }

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/accounts/login/?next=%2Fdocuments%2F2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Contains(error, CapturedLog.Value(Assert.Single(world.Log.Of("SessionRefused")), "Reason"), StringComparison.Ordinal);
        Assert.Equal(1008, await socket.ClosedWithAsync());
        Assert.DoesNotContain(world.Log.Of("Refused"), line => CapturedLog.Value(line, "Status") == "502");
    }

    [Theory]
    [InlineData("access_denied", false)]
    [InlineData("interaction_required", true)]
    [InlineData("consent_required", true)]
    [InlineData("server_error", true)]
    [InlineData("temporarily_unavailable", true)]
    public async Task Errors_of_a_silent_authentication_end_the_session_only_if_access_is_denied(string error, bool goesOn)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        world.Provider.NextAuthorizeError = new ProviderError(error);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal(goesOn ? "/documents/2" : "/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Equal(goesOn ? "alice" : null, await alice.WhoAsync());
    }

    [Fact]
    public async Task A_silent_authentication_whose_code_cannot_be_redeemed_ends_no_session_and_causes_no_loop()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        world.Provider.NextTokenError = new ProviderError("invalid_grant");

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.NotEmpty(world.Log.Of("SilentAuthenticationWithoutAnswer"));
    }

    [Theory]
    [InlineData(nameof(Outage.DropsConnections))]
    [InlineData(nameof(Outage.ServiceUnavailable))]
    public async Task No_silent_authentication_redirects_to_a_provider_that_is_unavailable(string outage)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        world.Provider.Outage = Enum.Parse<Outage>(outage);

        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/2")).Status);

        world.Provider.Outage = Outage.None;
        world.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.Redirect, (await alice.OpenAsync("/documents/2")).Status);
    }

    [Fact]
    public async Task A_silent_authentication_as_another_person_ends_the_session_and_starts_none()
    {
        await using World world = await World.StartAsync();
        using Visitor browser = await DueAsync(world);
        await browser.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, "if/flow/default-authentication-flow/?person=bob").AbsoluteUri);

        Page page = await browser.NavigateAsync("/documents/2");

        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Null(await browser.WhoAsync());
    }

    [Fact]
    public async Task A_new_session_at_the_provider_becomes_a_new_session_here_that_its_logout_ends()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        string before = alice.Cookie(SignedIn.CookieName)!;
        await alice.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, "if/flow/default-authentication-flow/?person=alice").AbsoluteUri);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal("/documents/2", page.Address.PathAndQuery);
        Assert.NotEqual(before, alice.Cookie(SignedIn.CookieName));
        Assert.Equal("Replaced", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        using HttpResponseMessage logout = await world.SendLogoutAsync(Assert.Single(world.Provider.Sessions));
        Assert.Equal(HttpStatusCode.OK, logout.StatusCode);
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task A_sign_out_during_a_silent_authentication_stays_in_effect()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await DueAsync(world);
        Page begun = await alice.OpenAsync("/documents/2");
        Page answered = await alice.OpenAsync(begun.Location!.AbsoluteUri, "cross-site");
        Assert.Equal(HttpStatusCode.SeeOther, (await alice.OpenAsync("/accounts/logout/", "same-origin")).Status);

        Page page = await alice.OpenAsync(answered.Location!.PathAndQuery, "cross-site");

        Assert.Equal("/documents/2", page.Location?.PathAndQuery);
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task A_silent_authentication_below_a_script_name_returns_to_the_page()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/paperless");
        using Visitor alice = await world.SignedInAsync("alice", "/paperless/");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Page page = await alice.NavigateAsync("/paperless/documents/2");

        Assert.Equal(("/paperless/documents/2", 4), (page.Address.PathAndQuery, page.Trail.Count));
    }

    /// <summary>A browser whose session was last confirmed long ago, with an access token that has expired and no refresh token.</summary>
    private static async Task<Visitor> DueAsync(World world)
    {
        Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        return alice;
    }
}
