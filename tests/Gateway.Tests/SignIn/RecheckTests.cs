using System.Net;
using System.Text.Json.Nodes;
using Gateway.Sandbox.Provider;
using Gateway.Sessions;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.SignIn;

/// <summary>While a session is used, the provider is asked again: with a refresh token, or at userinfo while the access token is good.</summary>
public sealed class RecheckTests
{
    private const string TokenPath = "/application/o/token/";
    private const string UserInfoPath = "/application/o/userinfo/";

    [Theory]
    [InlineData(true, "openid profile email offline_access")]
    [InlineData(false, "openid profile email")]
    public async Task Offline_access_is_asked_for_where_the_provider_offers_it(bool offered, string scope)
    {
        await using World world = await StartAsync(refresh: offered);
        using Visitor alice = world.NewVisitor();

        Assert.Equal(scope, (await RoundTrip.BeginAsync(alice)).Query["scope"]);
    }

    [Fact]
    public async Task The_request_that_finds_it_due_goes_on_and_the_answer_follows()
    {
        await using World world = await StartAsync(settings: [("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true")]);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.Data.AddGroup("family");
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["family"] });
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Provider.Hold = path => path == TokenPath ? held.Task : Task.CompletedTask;
        world.Clock.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["paperless-users", "family"], await GroupsAsync(alice));
        held.SetResult();
        await UntilAsync(async () => (await GroupsAsync(alice)).SequenceEqual(["family"]));

        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("alice"));
        Assert.Single(world.Refreshes());
    }

    [Fact]
    public async Task A_request_whose_last_answer_is_older_than_twice_the_interval_waits_for_the_next_one()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.Data.UpdateUser("alice", user => user with { Name = "alice.archer" });
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        await alice.OpenAsync("/documents/2");

        Assert.Equal(["alice.archer"], world.Forwarded[^1].Lines("Remote-User"));
        Assert.Equal("alice.archer", await alice.WhoAsync());
        Assert.Equal("alice.archer", Assert.Single(await SessionsAsync(world)).Info.Username);
    }

    [Fact]
    public async Task Nothing_is_asked_before_it_is_due_nor_for_what_is_not_the_persons()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        int before = world.Refreshes().Count;

        world.Clock.Advance(TimeSpan.FromMinutes(3.9));
        await alice.FetchAsync("/api/documents/");
        world.Clock.Advance(TimeSpan.FromMinutes(10));
        await alice.OpenAsync("/static/frontend/main.js");
        await alice.OpenAsync("/accounts/login/");

        Assert.Equal(before, world.Refreshes().Count);
    }

    [Fact]
    public async Task Twenty_requests_at_once_ask_once_and_the_rotated_token_is_kept()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        for (int round = 1; round <= 4; round++)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Page[] pages = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => alice.FetchAsync("/api/documents/")));

            Assert.All(pages, page => Assert.Equal(HttpStatusCode.OK, page.Status));
            Assert.Equal(round, world.Refreshes().Count);
        }

        await world.RestartGatewayAsync();
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(5, world.Refreshes().Count);
        Assert.DoesNotContain("scope", world.Refreshes()[^1].Form.Keys);
    }

    [Fact]
    public async Task A_no_ends_the_session_and_its_WebSockets_and_Paperless_s_own()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await alice.FetchAsync("/api/documents/");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        await world.Provider.DeactivateAsync("alice", World.Ct);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        world.Paperless.ForgetReceived();

        Page page = await alice.FetchAsync("/api/documents/");

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Equal(1008, await socket.ClosedWithAsync());
        await world.Log.WaitForAsync("LeftSessionEnded");
        Assert.Contains(world.Paperless.Received, request => request.Path == "/accounts/logout/");
        Assert.Empty(await SessionsAsync(world));
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("inactive")]
    [InlineData("unlinked")]
    public async Task A_Paperless_account_that_is_no_longer_that_person_s_ends_the_session(string how)
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        switch (how)
        {
            case "deleted":
                world.Paperless.Data.RemoveUser(world.LinkOf("alice")!.UserId);
                break;
            case "inactive":
                world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });
                break;
            default:
                await world.Gateway.Services.GetRequiredService<Gateway.Storage.StoredAccounts>().RemoveAsync(world.Provider.Issuer.AbsoluteUri, world.Provider.Find("alice")!.Subject, World.Ct);
                break;
        }

        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("AccountGone", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
    }

    [Fact]
    public async Task Whoever_leaves_the_groups_that_may_come_in_is_out_and_an_absent_claim_says_nothing()
    {
        await using World world = await StartAsync(settings: [("GATEWAY_ALLOWED_GROUPS", "family")]);
        using Visitor alice = await world.SignedInAsync("alice");

        world.Says("groups", null);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["paperless-users", "family"], await GroupsAsync(alice));

        world.Says("groups", new JsonArray("paperless-users"));
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData("away")]
    [InlineData("stumbles")]
    [InlineData("server_error")]
    [InlineData("invalid_client")]
    public async Task Silence_ends_nothing_delays_once_and_is_asked_about_again(string how)
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        switch (how)
        {
            case "away":
                world.Provider.Outage = Outage.DropsConnections;
                break;
            case "stumbles":
                world.Provider.Outage = Outage.ServiceUnavailable;
                break;
            default:
                world.Provider.NextTokenError = new ProviderError(how);
                break;
        }

        world.Provider.ClearReceived();
        for (int request = 0; request < 5; request++)
        {
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Single(world.Log.Of("RecheckPostponed"));
        Assert.Single(world.Refreshes());
        world.Provider.Outage = Outage.None;
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["new"] });
        world.Clock.Advance(TimeSpan.FromMinutes(1.1));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["new"], await GroupsAsync(alice));
    }

    /// <summary>The provider has used the token up and its answer was lost: what it says of the old one is no word on the person.</summary>
    [Fact]
    public async Task An_answer_that_was_lost_on_the_way_is_no_no()
    {
        await using World world = await StartAsync(refresh: true, provider: options => options with { AccessTokenLifetime = TimeSpan.FromHours(1) });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        world.Provider.TamperIdToken = _ => throw new InvalidOperationException("After the token was used up.");
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Log.Of("RecheckPostponed"));

        world.Provider.TamperIdToken = null;
        world.Provider.NextTokenError = new ProviderError("invalid_grant");
        world.Provider.ClearReceived();
        world.Clock.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.Log.Of("SessionEnded"));
        Assert.Contains(world.Provider.Received, request => request.Path == UserInfoPath);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_a_refresh_token_userinfo_is_asked_while_the_access_token_is_good(bool goesOn)
    {
        await using World world = await StartAsync(refresh: false, provider: options => options with { AccessTokenLifetime = TimeSpan.FromHours(1) });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["new"] });
        if (!goesOn)
        {
            await world.Provider.EndSessionsAsync("alice", World.Ct);
        }

        world.Provider.ClearReceived();
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Page page = await alice.FetchAsync("/api/documents/");

        Assert.Equal([UserInfoPath], world.Provider.Received.Select(request => request.Path));
        Assert.Equal(goesOn ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, page.Status);
        Assert.Equal(goesOn ? ["new"] : [], goesOn ? await GroupsAsync(alice) : []);
    }

    [Fact]
    public async Task Userinfo_that_speaks_of_somebody_else_ends_the_session()
    {
        await using World world = await StartAsync(refresh: false, provider: options => options with { AccessTokenLifetime = TimeSpan.FromHours(1) });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.TamperUserInfo = claims =>
        {
            claims["sub"] = world.Provider.Find("bob")!.Subject;
            return claims;
        };
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData("sub", false)]
    [InlineData("aud", true)]
    [InlineData("iss", true)]
    public async Task A_refreshed_ID_token_is_checked_like_the_first(string claim, bool goesOn)
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.TamperIdToken = claims =>
        {
            claims[claim] = "somebody-else";
            claims["groups"] = new JsonArray("forged");
            return claims;
        };
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(goesOn ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.DoesNotContain("forged", goesOn ? await GroupsAsync(alice) : []);
        if (goesOn)
        {
            // The refresh token was used up all the same: its successor works.
            world.Provider.TamperIdToken = null;
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
            Assert.Empty(world.Log.Of("SessionEnded"));
        }
    }

    [Fact]
    public async Task A_Paperless_that_is_away_ends_nothing_and_nothing_is_lost()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = false });

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Log.Of("RecheckPostponed"));

        world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = true });
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(2, world.Refreshes().Count);
    }

    [Fact]
    public async Task The_page_says_when_the_provider_was_last_asked_and_the_log_holds_no_token()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        DateTimeOffset signedIn = await CheckedAtAsync(alice);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");

        Assert.Equal(signedIn + TimeSpan.FromMinutes(11), await CheckedAtAsync(alice));
        Assert.Contains("Last confirmed", (await alice.OpenAsync("/gateway/session")).Text, StringComparison.Ordinal);
        string refreshToken = world.Refreshes()[^1].Form["refresh_token"];
        Assert.True(refreshToken.Length > 20);
        Assert.DoesNotContain(refreshToken, world.Log.Text, StringComparison.Ordinal);
    }

    private static async Task<World> StartAsync(bool refresh = true, Func<DevelopmentProviderOptions, DevelopmentProviderOptions>? provider = null, params (string Name, string Value)[] settings) => await World.StartAsync(options =>
    {
        options.Provider = given => (provider ?? (same => same))(given with { OfflineAccess = refresh });
        foreach ((string name, string value) in settings)
        {
            options.Settings[name] = value;
        }
    });

    private static async Task<IReadOnlyList<ListedSession>> SessionsAsync(World world) =>
        await world.Gateway.Services.GetRequiredService<SessionList>().AllAsync(World.Ct);

    private static async Task<DateTimeOffset> CheckedAtAsync(Visitor visitor) =>
        DateTimeOffset.Parse((string)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["checked_at"]!, System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<string[]> GroupsAsync(Visitor visitor) =>
        [.. JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["groups"]!.AsArray().Select(group => (string)group!)];

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (int tries = 0; !await holds(); tries++)
        {
            Assert.True(tries < 200, "It does not come about.");
            await Task.Delay(20, World.Ct);
        }
    }
}

internal static class AskedOfTheProvider
{
    /// <summary>The refreshes that the provider was asked for.</summary>
    public static IReadOnlyList<ProviderRequest> Refreshes(this World world) =>
        [.. world.Provider.Received.Where(request => request.Path == "/application/o/token/" && request.Form.TryGetValue("grant_type", out string? grant) && grant == "refresh_token")];
}
