using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Apps;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>Apps whose sign-in is refused: the answer is in allauth's shape, so that the app shows it.</summary>
public sealed class HeadlessRefusalTests
{
    [Fact]
    public async Task Somebody_outside_the_allowed_groups_gets_403_and_is_noted()
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "paperless-users");
        world.NewPerson("mallory", "Mallory", "family");

        Page page = await world.BringTokenOfAsync("mallory");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("You belong to none of the groups", HeadlessWorld.ErrorOf(page).Message, StringComparison.Ordinal);
        await AssertNobodyAsync(world, "mallory");
        IReadOnlyList<RefusedSignIn> noted = await world.Gateway.Services.GetRequiredService<IRefusedSignInStore>()
            .ListAsync(world.Clock.GetUtcNow(), World.Ct);
        Assert.Equal(HeadlessWorld.ErrorOf(page).Code, Assert.Single(noted).Code);
    }

    [Fact]
    public async Task Somebody_whose_account_is_inactive_is_not_authenticated()
    {
        await using World world = await HeadlessWorld.StartAsync();
        (await world.SignedInAsync("alice")).Dispose();
        world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });

        Page page = await world.BringTokenOfAsync("alice");

        JsonNode json = JsonNode.Parse(page.Text)!;
        Assert.Equal((HttpStatusCode.Unauthorized, "account_inactive"), (page.Status, HeadlessWorld.ErrorOf(page).Code));
        Assert.Equal((false, "provider_token"), ((bool)json["meta"]!["is_authenticated"]!, (string)json["data"]!["flows"]![0]!["id"]!));
        Assert.Null(json["meta"]!["access_token"]);
    }

    [Theory]
    [InlineData("admin", "account_exists")]
    [InlineData("carol", "username_unchosen")]
    public async Task Somebody_who_would_be_asked_something_is_told_to_sign_in_in_the_browser_once(string person, string code)
    {
        await using World world = await HeadlessWorld.StartAsync(options =>
            options.Settings["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = person == "admin" ? "true" : "false");
        world.NewPerson("carol", "Carol Cook", "paperless-users");
        int accounts = world.Paperless.Data.Users.Count;

        Page page = await world.BringTokenOfAsync(person);

        (string given, _, string message) = HeadlessWorld.ErrorOf(page);
        JsonNode flow = JsonNode.Parse(page.Text)!["data"]!["flows"]![0]!;
        Assert.Equal((HttpStatusCode.Unauthorized, code), (page.Status, given));
        Assert.Contains($"Sign in once in the browser, at {world.Origin}/", message, StringComparison.Ordinal);
        Assert.Equal(("provider_signup", true, "authentik"), ((string)flow["id"]!, (bool)flow["is_pending"]!, (string)flow["provider"]!["id"]!));
        Assert.Equal(accounts, world.Paperless.Data.Users.Count);
        await AssertNobodyAsync(world, person);
    }

    [Fact]
    public async Task Without_sign_ups_somebody_new_gets_403()
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS"] = "false");
        world.NewPerson("carol", "Carol Cook", "paperless-users");

        Page page = await world.BringTokenOfAsync("carol");

        Assert.Equal((HttpStatusCode.Forbidden, "no_account"), (page.Status, HeadlessWorld.ErrorOf(page).Code));
    }

    [Theory]
    [InlineData("""{"process":"login","token":{"client_id":"paperless-app","id_token":"x"}}""", "required", "provider")]
    [InlineData("""{"provider":"other","process":"login","token":{"client_id":"paperless-app","id_token":"x"}}""", "unknown_provider", "provider")]
    [InlineData("""{"provider":"authentik","token":{"client_id":"paperless-app","id_token":"x"}}""", "invalid_choice", "process")]
    [InlineData("""{"provider":"authentik","process":"connect","token":{"client_id":"paperless-app","id_token":"x"}}""", "invalid_choice", "process")]
    [InlineData("""{"provider":"authentik","process":"login"}""", "invalid_token", "token")]
    [InlineData("""{"provider":"authentik","process":"login","token":"x"}""", "invalid_token", "token")]
    [InlineData("""{"provider":"authentik","process":"login","token":{"id_token":"x"}}""", "client_id_required", "token")]
    [InlineData("""{"provider":"authentik","process":"login","token":{"client_id":"other","id_token":"x"}}""", "client_id_mismatch", "token")]
    [InlineData("""{"provider":"authentik","process":"login","token":{"client_id":"paperless-app"}}""", "token_required", "token")]
    [InlineData("""{"provider":"authentik","process":"login","token":{"client_id":"paperless-app","id_token":5}}""", "token_required", "token")]
    [InlineData("""{"provider":"authentik","process":"login","token":{"client_id":"paperless","id_token":"x"}}""", "client_id_mismatch", "token")]
    [InlineData("""{"provider":"authentik","process":"login","token":{"client_id":"paperless-app","id_token":"x"}}""", "invalid_token", "token")]
    [InlineData("""{"provider":"authentik","provider":"authentik"}""", "invalid", null)]
    [InlineData("[]", "invalid", null)]
    [InlineData("no JSON", "invalid", null)]
    [InlineData("", "invalid", null)]
    public async Task A_request_that_is_wrong_gets_400_with_the_member_and_allauths_code(string body, string code, string? param)
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();

        Page page = await app.PostAsync(body);

        (string given, string? about, _) = HeadlessWorld.ErrorOf(page);
        Assert.Equal((HttpStatusCode.BadRequest, code, param), (page.Status, given, about));
    }

    [Theory]
    [InlineData("text/plain", 0, HttpStatusCode.BadRequest)]
    [InlineData("application/json", 70_000, HttpStatusCode.RequestEntityTooLarge)]
    public async Task A_body_that_is_no_JSON_or_too_large_is_not_read(string type, int padding, HttpStatusCode status)
    {
        await using World world = await HeadlessWorld.StartAsync();
        using Visitor app = world.NewVisitor();
        string body = $$"""{"provider":"authentik","process":"login","token":{},"padding":"{{new string('x', padding)}}"}""";

        Page page = await app.SendAsync(
            HttpMethod.Post, "/api/auth/headless/app/v1/auth/provider/token", new StringContent(body, Encoding.UTF8, type), ("Accept", "*/*"));

        Assert.Equal(status, page.Status);
        Assert.Equal("invalid", HeadlessWorld.ErrorOf(page).Code);
    }

    [Fact]
    public async Task A_provider_that_does_not_answer_and_a_Paperless_that_does_not_answer_give_503()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        string token = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));
        await world.RestartGatewayAsync();
        world.Provider.Outage = Outage.DropsConnections;

        Page scope = await app.AskForScopeAsync("authentik");
        Page providerAway = await app.BringAsync(provider, token);
        world.Provider.Outage = Outage.None;
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        world.Paperless.Faults.Drop(request => request.Path.StartsWith("/api/", StringComparison.Ordinal));
        Page paperlessAway = await app.BringAsync(provider, token);

        Assert.All([scope, providerAway, paperlessAway], page => Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status));
        Assert.Equal("provider_unavailable", HeadlessWorld.ErrorOf(scope).Code);
        Assert.Equal("provider_unavailable", HeadlessWorld.ErrorOf(providerAway).Code);
        Assert.Equal("paperless_unavailable", HeadlessWorld.ErrorOf(paperlessAway).Code);
        Assert.DoesNotContain(token, world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task A_store_that_does_not_answer_gives_503()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        string token = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));
        await redis.KillAsync();

        Page page = await app.BringAsync(provider, token);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "store_away"), (page.Status, HeadlessWorld.ErrorOf(page).Code));
    }

    [Fact]
    public async Task Another_site_can_use_neither_endpoint()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        string token = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));

        Page scope = await app.AskForScopeAsync("authentik", null, null, ("Origin", "https://evil.example"));
        Page refused = await app.BringAsync(provider, token, null, ("Origin", "https://evil.example"));

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (scope.Status, refused.Status));
        Assert.Equal(HttpStatusCode.OK, (await app.BringAsync(provider, token)).Status);
    }

    [Theory]
    [InlineData("other", "unknown_provider")]
    [InlineData("", "unknown_provider")]
    public async Task A_provider_that_is_not_configured_gets_no_redirect(string provider, string code)
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();

        Page page = await app.AskForScopeAsync(provider);

        Assert.Equal((HttpStatusCode.BadRequest, code), (page.Status, HeadlessWorld.ErrorOf(page).Code));
        Assert.Null(page.Location);
    }

    private static async Task AssertNobodyAsync(World world, string person) =>
        Assert.Empty(await world.Gateway.Services.GetRequiredService<DevicePasswords>().FindByPersonAsync(world.KeyOf(person), World.Ct));
}
