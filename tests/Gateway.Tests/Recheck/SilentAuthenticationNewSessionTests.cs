using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Recheck;

/// <summary>A silent authentication that finds another session at the provider applies its claims like a sign-in.</summary>
public sealed class SilentAuthenticationNewSessionTests
{
    [Fact]
    public async Task A_silent_authentication_signs_out_a_person_who_left_the_allowed_groups()
    {
        await using World world = await StartAsync();
        using Visitor alice = await DueAsync(world);
        world.Says("groups", new JsonArray("paperless-users"));

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
    }

    [Theory]
    [InlineData("inactive")]
    [InlineData("unlinked")]
    public async Task A_silent_authentication_ends_the_session_of_a_person_who_lost_the_Paperless_account(string how)
    {
        await using World world = await StartAsync();
        using Visitor alice = await DueAsync(world);
        if (how == "inactive")
        {
            world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });
        }
        else
        {
            await world.Gateway.Services.GetRequiredService<Gateway.Storage.IAccountLinkStore>().RemoveAsync(world.KeyOf("alice"), World.Ct);
        }

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Equal("AccountGone", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Single(world.Log.Of("SignedIn"));
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task A_silent_authentication_while_Paperless_is_unavailable_keeps_the_session_and_returns_to_the_page()
    {
        await using World world = await StartAsync();
        using Visitor alice = await DueAsync(world);
        string before = alice.Cookie(SignedIn.CookieName)!;
        world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = false });

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal(before, alice.Cookie(SignedIn.CookieName));
        Assert.Single(world.Log.Of("SilentAuthenticationWithoutAnswer"));
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    [Fact]
    public async Task A_silent_authentication_without_a_groups_claim_keeps_the_groups_of_the_old_session()
    {
        await using World world = await StartAsync();
        using Visitor alice = await DueAsync(world);
        string before = alice.Cookie(SignedIn.CookieName)!;
        world.Says("groups", null);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.NotEqual(before, alice.Cookie(SignedIn.CookieName));
        Assert.Equal("Replaced", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Equal(
            ["paperless-users", "family"],
            JsonNode.Parse((await alice.FetchAsync("/gateway/session")).Text)!["groups"]!.AsArray().Select(group => (string?)group));
    }

    private static Task<World> StartAsync() => World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");

    /// <summary>A browser whose session must be asked about by a round trip, and which signed in at the provider once more meanwhile.</summary>
    private static async Task<Visitor> DueAsync(World world)
    {
        Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, "if/flow/default-authentication-flow/?person=alice").AbsoluteUri);
        return alice;
    }
}
