using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

public sealed class UserInfoTests
{
    private const string Path = "/application/o/userinfo/";

    [Theory]
    [InlineData(null, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Userinfo_is_asked_unless_fetch_userinfo_is_false(bool? setting, bool asked)
    {
        await using World world = await Apps.StartAsync(settings => settings["fetch_userinfo"] = setting);
        world.Provider.TamperUserInfo = claims => With(claims, "preferred_username", "alice.fresh");
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal(asked, world.Provider.Received.Any(request => request.Path == Path));
        Assert.Equal(asked ? "alice.fresh" : "alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task Claims_that_only_userinfo_has_are_read_there()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { IncludeClaimsInIdToken = false });

        using Visitor visitor = await world.SignedInAsync("alice");

        JsonNode session = JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!;
        Assert.Equal("alice", (string?)session["username"]);
        Assert.Equal(["paperless-users", "family"], session["groups"]!.AsArray().Select(group => (string?)group));
    }

    [Fact]
    public async Task Without_userinfo_claims_that_only_it_has_are_missing_and_the_person_is_asked_for_a_user_name()
    {
        await using World world = await Apps.StartAsync(
            settings => settings["fetch_userinfo"] = false,
            options => options.Provider = provider => provider with { IncludeClaimsInIdToken = false });
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("Choose a user name", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("somebody-else")]
    [InlineData(null)]
    public async Task Userinfo_that_speaks_of_somebody_else_is_refused(string? subject)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperUserInfo = claims => With(claims, "sub", subject);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("Nobody was signed in", page.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
    }

    [Fact]
    public async Task Userinfo_has_no_say_in_what_belongs_to_the_token()
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperUserInfo = claims => With(claims, "iss", "https://evil.example/");

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal(world.Provider.Issuer.AbsoluteUri, (string?)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["issuer"]);
    }

    [Theory]
    [InlineData(500, "application/json", "{}", HttpStatusCode.ServiceUnavailable)]
    [InlineData(401, "application/json", "{}", HttpStatusCode.ServiceUnavailable)]
    [InlineData(200, "text/html", "<html>a proxy's page</html>", HttpStatusCode.BadGateway)]
    [InlineData(200, "application/json", "{broken", HttpStatusCode.BadGateway)]
    [InlineData(200, "application/json", "[]", HttpStatusCode.BadGateway)]
    [InlineData(200, "application/json", "", HttpStatusCode.BadGateway)]
    [InlineData(200, "application/json; charset=nonsense", "{}", HttpStatusCode.BadGateway)]
    [InlineData(200, "application/jwt", "not.a.jwt", HttpStatusCode.BadGateway)]
    public async Task A_userinfo_answer_that_cannot_be_used_signs_nobody_in_and_is_not_taken_for_an_old_sign_in(int status, string type, string body, HttpStatusCode expected)
    {
        await using World world = await World.StartAsync();
        await using StubSite stub = await StubSite.StartAsync(async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            await context.Response.WriteAsync(body);
        });
        world.Provider.TamperDiscovery = document => With(document, "userinfo_endpoint", stub.Address.AbsoluteUri);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(expected, page.Status);
        Assert.Null(await visitor.WhoAsync());
        Assert.Empty(world.Log.Of("SignInRestarted"));
        Assert.Empty(world.Log.Of("SignInFailed"));
    }

    [Fact]
    public async Task Uid_field_names_the_subject()
    {
        await using World world = await Apps.StartAsync(settings => settings["uid_field"] = "email");
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice@example.com", (string?)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["subject"]);
    }

    [Fact]
    public async Task A_uid_field_that_is_missing_is_a_page_that_names_it()
    {
        await using World world = await Apps.StartAsync(settings => settings["uid_field"] = "employee_number");
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("employee_number", page.Text, StringComparison.Ordinal);
        Assert.Contains("uid_field", page.Text, StringComparison.Ordinal);
    }

    private static JsonObject With(JsonObject claims, string claim, string? value)
    {
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = value;
        }

        return claims;
    }
}
