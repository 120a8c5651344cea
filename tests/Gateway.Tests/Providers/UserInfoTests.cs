using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Providers;

public sealed class UserInfoTests
{
    private const string Path = "/application/o/userinfo/";

    [Theory]
    [InlineData(null, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Userinfo_is_requested_unless_fetch_userinfo_is_false(bool? setting, bool asked)
    {
        await using World world = await ProvidersSetting.StartAsync(settings => settings["fetch_userinfo"] = setting);
        world.Provider.TamperUserInfo = claims => With(claims, "preferred_username", "alice.fresh");
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal(asked, world.Provider.Received.Any(request => request.Path == Path));
        Assert.Equal(asked ? "alice.fresh" : "alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task Claims_missing_in_the_ID_token_are_read_from_userinfo()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { IncludeClaimsInIdToken = false });

        using Visitor visitor = await world.SignedInAsync("alice");

        JsonNode session = JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!;
        Assert.Equal("alice", (string?)session["username"]);
        Assert.Equal(["paperless-users", "family"], session["groups"]!.AsArray().Select(group => (string?)group));
    }

    [Fact]
    public async Task Without_userinfo_a_person_whose_names_are_only_in_userinfo_is_named_after_the_subject()
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["fetch_userinfo"] = false,
            options => options.Provider = provider => provider with { IncludeClaimsInIdToken = false });
        using Visitor visitor = world.NewVisitor();

        await visitor.SignInAsync("alice");

        JsonNode session = JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!;
        Assert.Equal(world.Provider.Find("alice")!.Subject, (string?)session["username"]);
    }

    [Theory]
    [InlineData("somebody-else")]
    [InlineData(null)]
    public async Task Userinfo_of_another_subject_is_refused(string? subject)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperUserInfo = claims => With(claims, "sub", subject);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("You are not signed in", page.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
    }

    [Fact]
    public async Task Userinfo_cannot_override_the_issuer_and_other_protocol_claims_of_the_ID_token()
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
    public async Task An_unusable_userinfo_answer_signs_nobody_in_and_does_not_restart_the_sign_in(
        int status,
        string type,
        string body,
        HttpStatusCode expected)
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

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/jwt-not")]
    [InlineData("application/jose")]
    [InlineData(null)]
    public async Task Userinfo_of_an_unsupported_media_type_is_refused_and_the_page_names_the_type(string? type)
    {
        await using World world = await World.StartAsync();
        await using StubSite stub = await StubSite.StartAsync(context => AnswerAsync(context, type, Claims(world, "\"x\":1")));
        world.Provider.TamperDiscovery = document => With(document, "userinfo_endpoint", stub.Address.AbsoluteUri);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("neither application/json nor application/jwt, but " + (type ?? "of no media type"), page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("APPLICATION/Json;charset=utf-8")]
    [InlineData("application/json ; x=y")]
    [InlineData("application/jwt")]
    [InlineData("Application/JWT; charset=utf-8")]
    public async Task The_media_type_of_userinfo_is_compared_without_case_and_parameters(string type)
    {
        await using World world = await World.StartAsync();
        await using StubSite stub = await StubSite.StartAsync(context =>
        {
            string claims = Claims(world, $"\"iss\":\"{world.Provider.Issuer}\",\"aud\":\"paperless\",\"preferred_username\":\"alice.fresh\"");
            bool signed = type.Contains("jwt", StringComparison.OrdinalIgnoreCase);
            return AnswerAsync(context, type, signed ? Signed(world, claims) : claims);
        });
        world.Provider.TamperDiscovery = document => With(document, "userinfo_endpoint", stub.Address.AbsoluteUri);

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice.fresh", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("\"sub\":5")]
    [InlineData("\"sub\":null")]
    [InlineData("\"sub\":{}")]
    [InlineData("\"sub\":[]")]
    [InlineData("\"sub\":\"\"")]
    [InlineData("\"sub\":\"\\ud800\"")]
    [InlineData("SUB,\"groups\":[],\"groups\":[\"root\"]")]
    [InlineData("SUB,SUB")]
    [InlineData("SUB,\"x\":\"\\ud800\"")]
    [InlineData("SUB,\"\\udc00\":1")]
    [InlineData("SUB,\"x\":\"\u00ff\"")]
    [InlineData("SUB,\"x\":NESTED")]
    [InlineData("SUB,")]
    public async Task Userinfo_that_is_not_a_valid_JSON_object_of_claims_signs_nobody_in(string members)
    {
        await using World world = await World.StartAsync();
        string sub = $"\"sub\":\"{world.Provider.Find("alice")!.Subject}\"";
        string nested = new string('[', 200) + new string(']', 200);
        string body = $"{{{members.Replace("SUB", sub, StringComparison.Ordinal).Replace("NESTED", nested, StringComparison.Ordinal)}}}";

        // In Latin-1: what is beyond ASCII is no UTF-8.
        await using StubSite stub = await StubSite.StartAsync(async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync(System.Text.Encoding.Latin1.GetBytes(body));
        });
        world.Provider.TamperDiscovery = document => With(document, "userinfo_endpoint", stub.Address.AbsoluteUri);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("userinfo", page.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Theory]
    [InlineData(nameof(SigningMode.RS256))]
    [InlineData(nameof(SigningMode.ES256))]
    [InlineData(nameof(SigningMode.HS256))]
    [InlineData(nameof(SigningMode.EdDSA))]
    public async Task Signed_userinfo_is_accepted(string signing)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider =>
            provider with { SignedUserInfo = true, IncludeClaimsInIdToken = false, Signing = Enum.Parse<SigningMode>(signing) });

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal(["paperless-users", "family"], await visitor.GroupsAsync());
    }

    [Theory]
    [InlineData("[\"RS256\"]", HttpStatusCode.OK)]
    [InlineData("[\"ES256\",\"RS256\",\"none\"]", HttpStatusCode.OK)]
    [InlineData("[\"ES256\"]", HttpStatusCode.BadGateway)]
    [InlineData("[\"none\"]", HttpStatusCode.BadGateway)]
    public async Task Signed_userinfo_must_use_an_algorithm_that_the_discovery_document_lists_for_userinfo(string algorithms, HttpStatusCode expected)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { SignedUserInfo = true });
        world.Provider.TamperDiscovery = document =>
        {
            document["userinfo_signing_alg_values_supported"] = JsonNode.Parse(algorithms);
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        Assert.Equal(expected, (await visitor.SignInAsync("alice")).Status);
    }

    [Theory]
    [InlineData("not an address")]
    [InlineData("/relative")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("file:///etc/passwd")]
    public async Task An_invalid_userinfo_endpoint_is_reported_as_an_error_of_the_provider(string endpoint)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperDiscovery = document => With(document, "userinfo_endpoint", endpoint);
        using Visitor visitor = world.NewVisitor();

        Assert.Equal(HttpStatusCode.BadGateway, (await visitor.SignInAsync("alice")).Status);
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Fact]
    public async Task The_uid_field_setting_chooses_the_claim_of_the_subject()
    {
        await using World world = await ProvidersSetting.StartAsync(settings => settings["uid_field"] = "email");
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice@example.com", (string?)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["subject"]);
    }

    [Fact]
    public async Task A_missing_uid_field_claim_gives_an_error_page_that_names_the_claim()
    {
        await using World world = await ProvidersSetting.StartAsync(settings => settings["uid_field"] = "employee_number");
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

    private static string Claims(World world, string members) => $"{{\"sub\":\"{world.Provider.Find("alice")!.Subject}\",{members}}}";

    private static string Signed(World world, string claims)
    {
        string header = world.Provider.CreateLogoutToken(world.Provider.Sessions[0], type: "JWT").Split('.')[0];
        return world.Provider.Sign(Microsoft.IdentityModel.Tokens.Base64UrlEncoder.DecodeBytes(header), System.Text.Encoding.UTF8.GetBytes(claims));
    }

    private static Task AnswerAsync(HttpContext context, string? type, string body)
    {
        context.Response.ContentType = type;
        return context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(body)).AsTask();
    }
}
