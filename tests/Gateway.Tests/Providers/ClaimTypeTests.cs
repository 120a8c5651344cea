using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Providers;

/// <summary>Claims of another JSON type than the standard says: they are read the same way in every token, or a page names them.</summary>
public sealed class ClaimTypeTests
{
    private const string Subject = "4711";

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_subject_that_is_a_number_in_some_tokens_is_the_same_person_in_all_of_them(bool inIdToken, bool inUserInfo)
    {
        await using World world = await StartAsync();
        world.Provider.TamperIdToken = claims => inIdToken ? WithNumber(claims) : claims;
        world.Provider.TamperUserInfo = claims => inUserInfo ? WithNumber(claims) : claims;
        using Visitor visitor = await world.SignedInAsync("alice");
        Assert.Equal(Subject, (string?)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["subject"]);

        // The refreshed ID token and its userinfo have the other type.
        world.Provider.TamperIdToken = claims => inIdToken ? claims : WithNumber(claims);
        world.Provider.TamperUserInfo = claims => inUserInfo ? claims : WithNumber(claims);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await visitor.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Refreshes());
        Assert.Empty(world.Log.Of("RecheckPostponed"));

        using Visitor again = await world.SignedInAsync("alice");
        Assert.Single(world.Links());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_logout_token_whose_subject_is_a_number_ends_the_sessions_of_that_person(bool wasNumber)
    {
        await using World world = await StartAsync();
        world.Provider.TamperIdToken = claims => wasNumber ? WithNumber(claims) : claims;
        using Visitor visitor = await world.SignedInAsync("alice");

        using HttpResponseMessage answer = await world.SendLogoutAsync(
            world.Provider.Sessions[^1],
            claims => wasNumber ? BackChannel.Without("sid")(claims) : WithNumber(BackChannel.Without("sid")(claims)));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("aud", "815")]
    [InlineData("aud", "[815]")]
    [InlineData("azp", "815")]
    public async Task An_audience_that_is_a_number_is_the_client_id_of_the_same_digits(string claim, string json)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { ClientId = "815" });
        world.Provider.TamperIdToken = claims => With(claims, claim, json);

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("sid", "12")]
    [InlineData("acr", "1")]
    [InlineData("jti", "99999999999999999999999999")]
    [InlineData("email", "[\"alice@example.com\"]")]
    [InlineData("preferred_username", "[\"alice\"]")]
    [InlineData("name", "{\"en\":\"Alice\"}")]
    [InlineData("email", "false")]
    public async Task A_number_as_an_identifier_and_a_list_of_one_text_as_a_label_sign_in(string claim, string json)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperIdToken = claims => With(claims, claim, json);
        world.Provider.TamperUserInfo = claims => claims.ContainsKey(claim) ? With(claims, claim, json) : claims;

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("sub", "[\"4711\"]", "a list")]
    [InlineData("sub", "1.5", "a number that is not whole")]
    [InlineData("sid", "{}", "an object")]
    [InlineData("preferred_username", "[\"nina\",\"ninon\"]", "a list")]
    [InlineData("preferred_username", "true", "true or false")]
    public async Task A_claim_that_cannot_be_read_gives_a_page_that_names_the_claim_and_makes_no_account(string claim, string json, string type)
    {
        await using World world = await StartAsync("nina");
        int accounts = world.Paperless.Data.Users.Count;
        world.Provider.TamperIdToken = claims => With(claims, claim, json);
        world.Provider.TamperUserInfo = claims => claim == "preferred_username" ? With(claims, claim, json) : claims;
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("nina");

        Assert.True(page.Status is HttpStatusCode.BadGateway or HttpStatusCode.Forbidden, $"{(int)page.Status}");
        Assert.Contains($"&quot;{claim}&quot; is neither a text nor a whole number, but {type}", page.Text, StringComparison.Ordinal);
        Assert.Equal((accounts, 0), (world.Paperless.Data.Users.Count, world.Links().Count));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Fact]
    public async Task A_user_name_that_cannot_be_read_any_more_does_not_end_the_session()
    {
        await using World world = await StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        world.Provider.TamperIdToken = claims => With(claims, "preferred_username", "{}");
        world.Provider.TamperUserInfo = claims => With(claims, "preferred_username", "{}");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await visitor.FetchAsync("/api/documents/")).Status);
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    /// <summary>A world in which the subject of this person is a number.</summary>
    private static async Task<World> StartAsync(string username = "alice")
    {
        World world = await RecheckWorld.StartAsync();
        Person number = Person.Named(username, "Nina Number", "paperless-users") with { Subject = Subject };
        world.Provider.Options = world.Provider.Options with { People = [number] };
        return world;
    }

    private static JsonObject WithNumber(JsonObject claims) => With(claims, "sub", Subject);

    private static JsonObject With(JsonObject claims, string claim, string json)
    {
        claims[claim] = JsonNode.Parse(json);
        return claims;
    }
}
