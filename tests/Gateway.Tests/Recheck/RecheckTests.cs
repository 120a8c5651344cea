using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;

namespace Gateway.Tests.Recheck;

/// <summary>
/// When and how a session in use is rechecked at the provider: with a refresh token, or at userinfo while the access token is valid.
/// What the answer does is in <see cref="RecheckAnswerTests"/>.
/// </summary>
public sealed class RecheckTests
{
    [Theory]
    [InlineData(true, "openid profile email offline_access")]
    [InlineData(false, "openid profile email")]
    public async Task Offline_access_is_requested_where_the_provider_supports_offline_access(bool offered, string scope)
    {
        await using World world = await RecheckWorld.StartAsync(refresh: offered);
        using Visitor alice = world.NewVisitor();

        Assert.Equal(scope, (await RoundTrip.BeginAsync(alice)).Query["scope"]);
    }

    [Fact]
    public async Task A_request_that_starts_a_recheck_is_answered_before_the_recheck_finishes()
    {
        await using World world = await RecheckWorld.StartAsync(settings: [("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true")]);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.Data.AddGroup("family");
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["family"] });
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Provider.Hold = path => path == RecheckWorld.TokenPath ? held.Task : Task.CompletedTask;
        world.Clock.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["paperless-users", "family"], await alice.GroupsAsync());
        held.SetResult();
        await world.UntilAsync(async () => (await alice.GroupsAsync()).SequenceEqual(["family"]), "The groups follow.");

        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("alice"));
        Assert.Single(world.Refreshes());
    }

    [Fact]
    public async Task A_request_waits_for_the_recheck_if_the_last_one_is_older_than_twice_the_interval()
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.Data.UpdateUser("alice", user => user with { Name = "alice.archer" });
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        await alice.OpenAsync("/documents/2");

        Assert.Equal(["alice.archer"], world.Forwarded[^1].Lines("Remote-User"));
        Assert.Equal("alice.archer", await alice.WhoAsync());
        Assert.Equal("alice.archer", Assert.Single(await world.ListedSessionsAsync()).Info.Username);
    }

    [Fact]
    public async Task No_recheck_runs_before_the_interval_is_over_or_for_requests_without_the_user_header()
    {
        await using World world = await RecheckWorld.StartAsync();
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
    public async Task Twenty_concurrent_requests_cause_one_recheck_and_the_rotated_refresh_token_is_stored()
    {
        await using World world = await RecheckWorld.StartAsync();
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_a_refresh_token_a_recheck_requests_userinfo_while_the_access_token_is_valid(bool goesOn)
    {
        await using World world = await RecheckWorld.StartAsync(
            refresh: false,
            provider: options => options with { AccessTokenLifetime = TimeSpan.FromHours(1) });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["new"] });
        if (!goesOn)
        {
            await world.Provider.EndSessionsAsync("alice", World.Ct);
        }

        world.Provider.ClearReceived();
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Page page = await alice.FetchAsync("/api/documents/");

        Assert.Equal([RecheckWorld.UserInfoPath], world.Provider.Received.Select(request => request.Path));
        Assert.Equal(goesOn ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, page.Status);
        Assert.Equal(goesOn ? ["new"] : [], goesOn ? await alice.GroupsAsync() : []);
    }

    [Fact]
    public async Task The_session_page_shows_the_time_of_the_last_recheck_and_the_log_contains_no_token()
    {
        await using World world = await RecheckWorld.StartAsync();
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

    private static async Task<DateTimeOffset> CheckedAtAsync(Visitor visitor) =>
        DateTimeOffset.Parse(
            (string)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["checked_at"]!,
            System.Globalization.CultureInfo.InvariantCulture);
}
