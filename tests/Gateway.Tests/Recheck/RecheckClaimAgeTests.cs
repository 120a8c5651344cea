using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Recheck;

/// <summary>Claims that a recheck repeats from an old ID token do not count as newer than they are.</summary>
public sealed class RecheckClaimAgeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_recheck_of_an_earlier_sign_in_does_not_restore_a_group_that_a_later_sign_in_removed(bool fetchesUserInfo)
    {
        await using World world = await StartAsync(fetchesUserInfo);
        world.Provider.TamperUserInfo = WithoutGroups;
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["admins"] });
        using Visitor earlier = await world.SignedInAsync("alice");
        Assert.Equal(["admins"], world.Paperless.Data.GroupsOf("alice"));
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["family"] });
        using Visitor later = await world.SignedInAsync("alice");
        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("alice"));

        world.Clock.Advance(TimeSpan.FromMinutes(11));
        DateTimeOffset now = world.Clock.GetUtcNow();
        Assert.Equal(HttpStatusCode.OK, (await earlier.FetchAsync("/api/documents/")).Status);

        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("alice"));
        JsonNode session = JsonNode.Parse((await earlier.FetchAsync("/gateway/session")).Text)!;
        Assert.Equal(now, DateTimeOffset.Parse((string)session["checked_at"]!, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Empty(world.Log.Of("RecheckPostponed"));
    }

    [Fact]
    public async Task Groups_from_userinfo_at_a_recheck_count_as_new()
    {
        await using World world = await StartAsync(fetchesUserInfo: true);
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["admins"] });
        using Visitor earlier = await world.SignedInAsync("alice");
        using Visitor later = await world.SignedInAsync("alice");

        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["family"] });
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await earlier.FetchAsync("/api/documents/")).Status);

        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("alice"));
    }

    private static JsonObject WithoutGroups(JsonObject claims)
    {
        claims.Remove("groups");
        return claims;
    }

    private static async Task<World> StartAsync(bool fetchesUserInfo)
    {
        World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true";
            options.Provider = given => given with { AccessTokenLifetime = TimeSpan.FromHours(1) };
            options.StartGateway = false;
        });
        world.Paperless.Data.AddGroup("admins");
        world.Paperless.Data.AddGroup("family");
        if (!fetchesUserInfo)
        {
            world.Options.Settings["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = world.Settings()["PAPERLESS_SOCIALACCOUNT_PROVIDERS"]!.Replace(
                "\"server_url\"",
                "\"fetch_userinfo\": false, \"server_url\"",
                StringComparison.Ordinal);
        }

        world.StartGateway();
        return world;
    }
}
