using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Recheck;

/// <summary>What the answer to a recheck does: a refusal ends the session, a missing answer does not.</summary>
public sealed class RecheckAnswerTests
{
    [Fact]
    public async Task A_refused_recheck_ends_the_session_its_WebSockets_and_the_Paperless_session()
    {
        await using World world = await RecheckWorld.StartAsync(provider: options => options with { AccessTokenLifetime = TimeSpan.FromHours(1) });
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
        await world.Log.WaitForAsync("OrphanedSessionEnded");
        Assert.Contains(world.Paperless.Received, request => request.Path == "/accounts/logout/");
        Assert.Empty(await world.ListedSessionsAsync());
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("inactive")]
    [InlineData("unlinked")]
    public async Task A_recheck_ends_the_session_of_a_person_who_lost_the_Paperless_account(string how)
    {
        await using World world = await RecheckWorld.StartAsync();
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
                await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().RemoveAsync(world.KeyOf("alice"), World.Ct);
                break;
        }

        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("AccountGone", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
    }

    [Fact]
    public async Task A_recheck_signs_out_a_person_who_left_the_allowed_groups_but_not_if_the_groups_claim_is_absent()
    {
        await using World world = await RecheckWorld.StartAsync(settings: [("GATEWAY_ALLOWED_GROUPS", "family")]);
        using Visitor alice = await world.SignedInAsync("alice");

        world.Says("groups", null);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["paperless-users", "family"], await alice.GroupsAsync());

        world.Says("groups", new JsonArray("paperless-users"));
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task Userinfo_of_another_subject_ends_the_session_at_the_recheck()
    {
        await using World world = await RecheckWorld.StartAsync(
            refresh: false,
            provider: options => options with { AccessTokenLifetime = TimeSpan.FromHours(1) });
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
    public async Task A_refreshed_ID_token_is_validated_like_the_first_ID_token(string claim, bool goesOn)
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.TamperIdToken = claims =>
        {
            claims[claim] = "somebody-else";
            claims["groups"] = new JsonArray("forged");
            return claims;
        };
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(goesOn ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.DoesNotContain("forged", goesOn ? await alice.GroupsAsync() : []);
        if (goesOn)
        {
            // The refresh token was used up all the same: its successor works.
            world.Provider.TamperIdToken = null;
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
            Assert.Empty(world.Log.Of("SessionEnded"));
        }
    }

    [Theory]
    [InlineData("away")]
    [InlineData("stumbles")]
    [InlineData("server_error")]
    [InlineData("invalid_client")]
    public async Task A_recheck_that_gets_no_answer_ends_no_session_delays_one_request_and_is_repeated(string how)
    {
        await using World world = await RecheckWorld.StartAsync();
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
        Assert.Equal(["new"], await alice.GroupsAsync());
    }

    /// <summary>The provider has used the token up and its answer was lost: what it says of the old one is no word on the person.</summary>
    [Fact]
    public async Task A_refresh_token_rejected_after_a_lost_answer_does_not_end_the_session()
    {
        await using World world = await RecheckWorld.StartAsync(
            refresh: true,
            provider: options => options with { AccessTokenLifetime = TimeSpan.FromHours(1) });
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
        Assert.Contains(world.Provider.Received, request => request.Path == RecheckWorld.UserInfoPath);
    }

    [Fact]
    public async Task A_recheck_while_Paperless_is_unavailable_ends_no_session_and_loses_no_token()
    {
        await using World world = await RecheckWorld.StartAsync();
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
}
