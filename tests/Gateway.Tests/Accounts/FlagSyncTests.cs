using System.Globalization;
using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>The superuser and staff flags in Paperless follow the groups of the provider.</summary>
public sealed class FlagSyncTests
{
    [Fact]
    public async Task Superuser_and_staff_flags_are_granted_and_revoked_by_group_membership()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "chiefs";
            options.Settings["GATEWAY_STAFF_GROUPS"] = "chiefs,clerks";
        });
        world.Says("groups", new JsonArray("chiefs"));
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Equal((true, true), Flags(world));
        Assert.True(JsonNode.Parse((await alice.FetchAsync("/gateway/session")).Text)!["superuser"]!.GetValue<bool>());

        world.Says("groups", null);
        (await world.SignedInAsync("alice")).Dispose();
        Assert.Equal((true, true), Flags(world));

        world.Says("groups", new JsonArray("clerks"));
        (await world.SignedInAsync("alice")).Dispose();
        Assert.Equal((true, false), Flags(world));

        world.Says("groups", new JsonArray("others"));
        (await world.SignedInAsync("alice")).Dispose();
        Assert.Equal((false, false), Flags(world));
        Assert.Equal(4, world.Log.Of("FlagChanged").Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("chiefs")]
    public async Task A_superuser_keeps_the_staff_flag_outside_the_staff_groups(string? superuserGroup)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_SUPERUSER_GROUPS"] = superuserGroup;
            options.Settings["GATEWAY_STAFF_GROUPS"] = "clerks";
        });
        world.Says("groups", new JsonArray("chiefs"));
        (await world.SignedInAsync("alice")).Dispose();
        world.Paperless.Data.UpdateUser("alice", user => user with { IsStaff = true, IsSuperuser = true });

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal((true, true), Flags(world));
    }

    /// <summary>As Paperless-ngx 3.1 does it.</summary>
    [Theory]
    [InlineData("chiefs", null, false, false, "chiefs", true, true)]
    [InlineData("chiefs", null, true, true, "others", true, false)]
    [InlineData("chiefs", null, false, false, "others", false, false)]
    [InlineData(null, "clerks", false, false, "clerks", true, false)]
    [InlineData(null, "clerks", true, false, "others", false, false)]
    [InlineData(null, "clerks", false, true, "others", true, true)]
    [InlineData("chiefs", "clerks", false, false, "chiefs", true, true)]
    [InlineData("chiefs", "clerks", false, false, "chiefs,clerks", true, true)]
    [InlineData("chiefs", "clerks", true, true, "clerks", true, false)]
    [InlineData("chiefs", "clerks", true, true, "others", false, false)]
    [InlineData(null, null, true, true, "chiefs", true, true)]
    [InlineData("chiefs", "clerks", true, true, null, true, true)]
    [InlineData("chiefs", "clerks", false, true, null, false, true)]
    [InlineData("chief", "clerk", false, false, "chiefs,clerks", false, false)]
    public async Task Paperless_variables_of_the_flags_mean_what_they_mean_there(
        string? superuserGroup,
        string? staffGroup,
        bool wasStaff,
        bool wasSuperuser,
        string? groups,
        bool isStaff,
        bool isSuperuser)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_SUPERUSER_GROUP"] = superuserGroup;
            options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_STAFF_GROUP"] = staffGroup;
        });
        world.Says("groups", null);
        (await world.SignedInAsync("alice")).Dispose();
        world.Paperless.Data.UpdateUser("alice", user => user with { IsStaff = wasStaff, IsSuperuser = wasSuperuser });
        world.Says("groups", groups is null ? null : new JsonArray([.. groups.Split(',').Select(group => (JsonNode)group)]));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal((isStaff, isSuperuser), Flags(world));
    }

    [Fact]
    public async Task A_new_account_of_the_superusers_group_of_Paperless_own_variable_is_staff_at_once()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_SUPERUSER_GROUP"] = "chiefs");
        world.Provider.Options = world.Provider.Options with { People = [Person.Named("olga", "Olga Owner", "chiefs")] };

        (await world.SignedInAsync("olga")).Dispose();

        StandInUser olga = world.Paperless.Data.FindUser("olga")!;
        Assert.Equal((true, true), (olga.IsStaff, olga.IsSuperuser));
    }

    [Fact]
    public async Task Without_the_flag_settings_no_group_name_makes_a_superuser()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true");
        world.Says("groups", new JsonArray("superuser", "superusers", "admin", "admins", "staff", ""));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal((false, false), Flags(world));
    }

    [Fact]
    public async Task The_last_active_superuser_keeps_the_flag()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "chiefs");
        world.Says("groups", new JsonArray("chiefs"));
        (await world.SignedInAsync("alice")).Dispose();
        world.Says("groups", new JsonArray());
        (await world.SignedInAsync("alice")).Dispose();
        Assert.False(Flags(world).Superuser);

        world.Says("groups", new JsonArray("chiefs"));
        (await world.SignedInAsync("alice")).Dispose();
        world.Says("groups", new JsonArray());

        // The gateway's own account is a superuser itself; only a list that leaves it out makes somebody the last one.
        using (world.Paperless.Faults
            .Answer(request => request is { Method: "GET", RawPath: "/api/users/" }, 200, """{"count":1,"next":null,"previous":null,"results":[]}"""))
        {
            (await world.SignedInAsync("alice")).Dispose();
        }

        Assert.True(Flags(world).Superuser);
        Assert.Contains(
            "last active superuser",
            Assert.Single(world.Log.Of("SuperuserKept")).RenderMessage(CultureInfo.InvariantCulture),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_owner_of_the_gateways_API_token_stays_superuser()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "chiefs";
        });
        world.Options.ApiToken = world.Paperless.Data.TokenOf("alice");
        world.StartGateway();
        world.Paperless.Data.UpdateUser("alice", user => user with { IsSuperuser = false });
        (await LinkFirstAsync(world)).Dispose();
        world.Paperless.Data.UpdateUser("alice", user => user with { IsSuperuser = true });
        world.Says("groups", new JsonArray("others"));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.True(Flags(world).Superuser);
        Assert.Contains("token", Assert.Single(world.Log.Of("SuperuserKept")).RenderMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    private static async Task<Visitor> LinkFirstAsync(World world)
    {
        // While the token's owner is no superuser nobody signs in: the operator links by hand.
        StandInUser alice = world.Paperless.Data.FindUser("alice")!;
        await world.Gateway.Services.GetRequiredService<Gateway.Storage.IAccountLinkStore>().AddAsync(
            new Gateway.Storage.AccountLink(
                0,
                world.Provider.Issuer.AbsoluteUri,
                world.Provider.Find("alice")!.Subject,
                "authentik",
                "alice",
                alice.Id,
                "",
                world.Clock.GetUtcNow(),
                DateTimeOffset.UnixEpoch),
            onlyToFreeUser: false,
            World.Ct);
        return world.NewVisitor();
    }

    private static (bool Staff, bool Superuser) Flags(World world)
        => world.Paperless.Data.FindUser("alice") is { } alice ? (alice.IsStaff, alice.IsSuperuser) : default;
}
