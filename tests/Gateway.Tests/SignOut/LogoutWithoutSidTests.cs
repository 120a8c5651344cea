using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignOut;

/// <summary>A provider may omit `sid` in its ID tokens and still send it in its logout tokens.</summary>
public sealed class LogoutWithoutSidTests
{
    [Fact]
    public async Task A_logout_token_with_sid_and_sub_ends_the_persons_sessions_that_have_no_sid()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Options = world.Provider.Options with { SidClaim = false };
        using Visitor without = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");

        using HttpResponseMessage answer = await world.SendLogoutAsync(FirstOf(world), claims =>
        {
            claims["sid"] = "another";
            return claims;
        });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(("alice", null, "bob"), (await alice.WhoAsync(), await without.WhoAsync(), await bob.WhoAsync()));
    }

    [Fact]
    public async Task A_logout_token_with_only_a_sid_ends_no_session_without_a_sid()
    {
        await using World world = await World.StartAsync();
        world.Provider.Options = world.Provider.Options with { SidClaim = false };
        using Visitor alice = await world.SignedInAsync("alice");

        using HttpResponseMessage answer = await world.SendLogoutAsync(FirstOf(world), claims =>
        {
            claims.Remove("sub");
            claims["sid"] = "another";
            return claims;
        });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    private static ProviderSession FirstOf(World world) => world.Provider.Sessions.First(session => session.Username == "alice");
}
