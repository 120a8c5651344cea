using System.Net;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Gateway.Tests.SignOut;

/// <summary>The address of the provider's logout stays short, because proxies and providers refuse long ones.</summary>
public sealed class LogoutAddressTests
{
    private const int Limit = 2000;

    [Theory]
    [InlineData(52)]
    [InlineData(400)]
    public async Task With_many_groups_in_the_ID_token_the_logout_address_is_short_and_the_session_at_authentik_ends(int groups)
    {
        await using World world = await World.StartAsync(options => WithGroups(options, groups));
        using Visitor alice = await world.SignedInAsync("alice");

        Page redirect = await alice.OpenAsync("/accounts/logout/", "same-origin");
        Page page = await alice.NavigateAsync(redirect.Location!.AbsoluteUri, "cross-site");

        Assert.InRange(redirect.Location.AbsoluteUri.Length, 1, Limit);
        Dictionary<string, StringValues> query = QueryHelpers.ParseQuery(redirect.Location.Query);
        Assert.Equal(["client_id", "logout_hint"], query.Keys.Order());
        Assert.Equal("alice", query["logout_hint"]);
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Empty(world.Provider.Sessions);
        Assert.Equal("authentik", CapturedLog.Value(Assert.Single(world.Log.Of("LogoutHintLeftOut")), "Provider"));
    }

    [Fact]
    public async Task Another_provider_gets_the_return_address_with_the_client_and_the_person_in_place_of_a_long_ID_token()
    {
        await using World world = await World.StartAsync(options => WithGroups(options, 52));
        world.Provider.TamperDiscovery = document =>
        {
            document["end_session_endpoint"] = "https://idp.example/logout?tenant=1";
            return document;
        };
        using Visitor alice = await world.SignedInAsync("alice");

        Page redirect = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.InRange(redirect.Location!.AbsoluteUri.Length, 1, Limit);
        Dictionary<string, StringValues> query = QueryHelpers.ParseQuery(redirect.Location.Query);
        Assert.Equal(["client_id", "logout_hint", "post_logout_redirect_uri", "state", "tenant"], query.Keys.Order());
        Assert.Equal(world.Provider.Options.ClientId, query["client_id"]);
        Assert.Equal(world.Origin + "/accounts/login/?loggedout=1", query["post_logout_redirect_uri"]);
    }

    [Theory]
    [InlineData("login_hint", "O.CiQ1", "O.CiQ1")]
    [InlineData("login_hint", "", "alice")]
    [InlineData("preferred_username", "long", "alice@example.com")]
    public async Task The_logout_hint_is_a_short_name_of_the_person(string claim, string value, string expected)
    {
        await using World world = await World.StartAsync(options => WithGroups(options, 52));
        world.Provider.TamperIdToken = claims =>
        {
            claims[claim] = value == "long" ? new string('x', 300) : value;
            return claims;
        };
        using Visitor alice = await world.SignedInAsync("alice");

        Page redirect = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Equal(expected, QueryHelpers.ParseQuery(redirect.Location!.Query)["logout_hint"]);
        Assert.InRange(redirect.Location.AbsoluteUri.Length, 1, Limit);
    }

    [Fact]
    public async Task A_short_ID_token_is_still_the_hint()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page redirect = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.True(QueryHelpers.ParseQuery(redirect.Location!.Query).ContainsKey("id_token_hint"));
        Assert.InRange(redirect.Location.AbsoluteUri.Length, 1, Limit);
        Assert.Empty(world.Log.Of("LogoutHintLeftOut"));
    }

    private static void WithGroups(WorldOptions options, int count) => options.Provider = given => given with
    {
        People =
        [
            .. given.People.Select(person => person with
            {
                Groups = [.. person.Groups, .. Enumerable.Range(0, count).Select(number => $"a-group-with-a-long-name-{number:000}")],
            }),
        ],
    };
}
