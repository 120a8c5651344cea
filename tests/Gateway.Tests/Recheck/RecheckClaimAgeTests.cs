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
    public async Task A_second_groups_claim_of_the_ID_token_alone_does_not_restore_a_group_that_a_later_sign_in_removed()
    {
        await using World world = await StartAsync(fetchesUserInfo: true, claims: "groups,roles");
        world.Provider.TamperUserInfo = claims => With(claims, "groups", "family");
        world.Provider.TamperIdToken = claims => With(With(claims, "groups", "family"), "roles", "admins");
        using Visitor earlier = await world.SignedInAsync("alice");
        Assert.Equal(["admins", "family"], world.Paperless.Data.GroupsOf("alice").Order());
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        world.Provider.TamperIdToken = claims => With(claims, "groups", "family");
        using Visitor later = await world.SignedInAsync("alice");

        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await earlier.FetchAsync("/api/documents/")).Status);

        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("alice"));
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

    private static JsonObject With(JsonObject claims, string name, string group)
    {
        claims[name] = new JsonArray(group);
        return claims;
    }

    private static JsonObject WithoutGroups(JsonObject claims)
    {
        claims.Remove("groups");
        return claims;
    }

    private static async Task<World> StartAsync(bool fetchesUserInfo, string claims = "groups")
    {
        World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_GROUPS_CLAIM"] = claims;
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
