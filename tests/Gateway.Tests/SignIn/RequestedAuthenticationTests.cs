using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.SignIn;

/// <summary>The answer to `max_age` and `acr_values` of AUTH_PARAMS (OpenID Connect Core 1.0, section 3.1.3.7, steps 12 and 13).</summary>
public sealed class RequestedAuthenticationTests
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(-60, true)]
    [InlineData(-60 - 115, true)]
    [InlineData(-60 - 125, false)]
    [InlineData(-86_400, false)]
    [InlineData(null, false)]
    public async Task With_max_age_an_authentication_that_is_too_old_or_of_unknown_age_is_refused(int? seconds, bool isAccepted)
    {
        await using World world = await StartAsync("max_age", 60);
        world.Provider.TamperIdToken = claims =>
            With(claims, "auth_time", seconds is { } from ? world.Clock.GetUtcNow().ToUnixTimeSeconds() + from : null);

        await SignsInAsync(world, isAccepted, "&quot;auth_time&quot;", "&quot;max_age&quot;");
    }

    [Fact]
    public async Task With_max_age_a_refreshed_ID_token_may_tell_of_the_first_authentication()
    {
        await using World world = await StartAsync("max_age", 60);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Refreshes());
        Assert.Empty(world.Log.Of("RecheckPostponed"));
    }

    [Theory]
    [InlineData("\"gold\"", true)]
    [InlineData("\"mfa\"", true)]
    [InlineData("2", true)]
    [InlineData("\"silver\"", false)]
    [InlineData("\"gold mfa\"", false)]
    [InlineData("\"Gold\"", false)]
    [InlineData("\"\"", false)]
    [InlineData(null, false)]
    public async Task With_acr_values_an_authentication_in_another_way_is_refused(string? acr, bool isAccepted)
    {
        await using World world = await StartAsync("acr_values", "mfa gold 2");
        world.Provider.TamperIdToken = claims => With(claims, "acr", acr is null ? null : JsonNode.Parse(acr));

        await SignsInAsync(world, isAccepted, "&quot;acr&quot;", "mfa, gold, 2");
    }

    [Fact]
    public async Task Without_max_age_and_acr_values_the_claims_may_say_anything()
    {
        await using World world = await StartAsync("ui_locales", "de");
        world.Provider.TamperIdToken = claims => With(With(claims, "acr", null), "auth_time", 0);

        await SignsInAsync(world, isAccepted: true);
    }

    private static async Task SignsInAsync(World world, bool isAccepted, params string[] says)
    {
        world.NewPerson("carol", "Carol Cook", "paperless-users");
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("carol");

        Assert.Equal(isAccepted ? "carol" : null, await visitor.WhoAsync());
        Assert.Equal(isAccepted ? 1 : 0, world.Links().Count);
        if (!isAccepted)
        {
            Assert.Equal(HttpStatusCode.BadGateway, page.Status);
            Assert.All(says, text => Assert.Contains(text, page.Text, StringComparison.Ordinal));
        }
    }

    private static Task<World> StartAsync(string parameter, JsonNode value) => ProvidersSetting.StartAsync(
        settings => settings["auth_params"] = new JsonObject { [parameter] = value },
        options => options.Provider = provider => provider with { OfflineAccess = true });

    private static JsonObject With(JsonObject claims, string claim, JsonNode? value)
    {
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = value;
        }

        return claims;
    }
}
