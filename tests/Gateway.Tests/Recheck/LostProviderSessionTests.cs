using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Recheck;

/// <summary>
/// authentik goes on refreshing tokens after its session has ended, but the ID token then names no session (`sid`). If its back-channel message
/// is lost, that is the only sign.
/// </summary>
public sealed class LostProviderSessionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_refreshed_ID_token_without_sid_leads_the_next_page_to_the_provider_whose_refusal_ends_the_session(bool restart)
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.Provider.EndSessionsAsync("alice", World.Ct);
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        // Not an end: requests of an open page go on, and so do the refreshes.
        for (int refreshes = 1; refreshes <= 2; refreshes++)
        {
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
            Assert.Equal(refreshes, world.Refreshes().Count);
            world.Clock.Advance(TimeSpan.FromMinutes(11));
        }

        Assert.Equal("alice", CapturedLog.Value(Assert.Single(world.Log.Of("ProviderSessionNotNamed")), "User"));
        if (restart)
        {
            await world.RestartGatewayAsync();
        }

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Contains("prompt=none", page.Trail[1].Query, StringComparison.Ordinal);
        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Contains("login_required", CapturedLog.Value(Assert.Single(world.Log.Of("SessionRefused")), "Reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_session_at_the_provider_confirms_the_person_and_becomes_a_new_session_here()
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await LostAsync(world);
        await alice.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, "if/flow/default-authentication-flow/?person=alice").AbsoluteUri);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("Replaced", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Contains("offline_access", page.Trail[1].Query, StringComparison.Ordinal);

        // The new session refreshes its tokens, which name the new session of the provider.
        world.Provider.ClearReceived();
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Single((await alice.NavigateAsync("/documents/2")).Trail);
        Assert.Single(world.Refreshes());
    }

    [Theory]
    [InlineData("interaction_required")]
    [InlineData("server_error")]
    public async Task An_error_in_place_of_a_confirmation_causes_no_loop_and_holds_the_session_back_after_one_interval(string error)
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await LostAsync(world);
        world.Provider.NextAuthorizeError = new ProviderError(error);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Single((await alice.NavigateAsync("/documents/2")).Trail);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("/accounts/login/", (await alice.NavigateAsync("/documents/2")).Address.AbsolutePath);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_provider_that_names_no_session_in_refreshed_tokens_is_asked_once_and_not_again(bool givesRefreshToken)
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Options = world.Provider.Options with { OfflineAccess = givesRefreshToken };
        for (int round = 1; round <= 3; round++)
        {
            world.Provider.TamperIdToken = claims =>
            {
                claims.Remove("sid");
                return claims;
            };
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
            world.Provider.TamperIdToken = null;

            Page page = await alice.NavigateAsync("/documents/2");

            Assert.Equal((HttpStatusCode.OK, round == 1 ? 4 : 1), (page.Status, page.Trail.Count));
            Assert.Equal(round, world.Refreshes().Count);
        }

        Assert.Single(world.Log.Of("ProviderSessionNotNamed"));
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    /// <summary>Signed in here; the provider's session has ended, its message is lost, and the tokens were refreshed since.</summary>
    private static async Task<Visitor> LostAsync(World world)
    {
        Visitor alice = await world.SignedInAsync("alice");
        await world.Provider.EndSessionsAsync("alice", World.Ct);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");
        return alice;
    }
}
