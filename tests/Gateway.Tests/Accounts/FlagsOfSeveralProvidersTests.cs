using System.Globalization;
using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>With several providers, only the providers named in the settings grant the superuser and staff flags.</summary>
public sealed class FlagsOfSeveralProvidersTests
{
    [Fact]
    public async Task A_group_of_the_same_name_at_another_provider_grants_no_superuser_flag()
    {
        await using TwoProviders providers = await StartAsync();
        Says(providers.Other, "chiefs", "clerks");

        using Visitor bob = await providers.SignedInWithOtherAsync();

        Assert.Equal((false, true), Flags(providers, "bob"));
        Says(providers.World.Provider, "chiefs", "clerks");
        using Visitor alice = await providers.World.SignedInAsync("alice");
        Assert.Equal((true, false), Flags(providers, "alice"));
    }

    [Fact]
    public async Task A_flag_follows_the_named_provider_and_a_sign_in_at_another_provider_leaves_the_flag()
    {
        await using TwoProviders providers = await StartAsync();
        Says(providers.World.Provider, "chiefs");
        Says(providers.Other, "others");
        using Visitor alice = await providers.World.SignedInAsync("alice");
        await providers.AddLinkAsync("alice", providers.Other.Find("bob")!.Subject, providers.Other.Issuer.AbsoluteUri, "other");

        using Visitor byOther = await providers.SignedInWithOtherAsync();
        Assert.Equal("alice", await byOther.WhoAsync());
        Assert.Equal((true, false), Flags(providers, "alice"));

        Says(providers.World.Provider, "others");
        Says(providers.Other, "chiefs");
        (await providers.World.SignedInAsync("alice")).Dispose();
        Assert.Equal((false, false), Flags(providers, "alice"));
        (await providers.SignedInWithOtherAsync()).Dispose();
        Assert.Equal((false, false), Flags(providers, "alice"));
    }

    [Fact]
    public async Task The_startup_log_says_which_providers_groups_grant_which_flag()
    {
        await using TwoProviders providers = await StartAsync();

        Assert.Equal(
            ["Members of the groups [\"chiefs\"] at the provider \"authentik\" get the \"superuser\" flag", "Members of the groups [\"clerks\"] at the "
                + "provider \"other\" get the \"staff\" flag"],
            providers.World.Log.Of("FlagGroups").Select(entry => entry.RenderMessage(CultureInfo.InvariantCulture)));
    }

    private static Task<TwoProviders> StartAsync() => TwoProviders.StartAsync(options =>
    {
        options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "authentik:chiefs";
        options.Settings["GATEWAY_STAFF_GROUPS"] = "other:clerks";
    });

    private static void Says(DevelopmentProvider provider, params string[] groups) => provider.TamperIdToken = provider.TamperUserInfo = claims =>
    {
        claims["groups"] = new JsonArray([.. groups.Select(group => (JsonNode)group)]);
        return claims;
    };

    private static (bool Superuser, bool Staff) Flags(TwoProviders providers, string name)
    {
        StandInUser user = providers.World.Paperless.Data.FindUser(name)!;
        return (user.IsSuperuser, user.IsStaff);
    }
}
