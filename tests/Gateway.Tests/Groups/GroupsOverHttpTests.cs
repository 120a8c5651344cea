using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Groups;

/// <summary>From the groups claim of the provider to `/gateway/session`, or to the refused sign-in.</summary>
public sealed class GroupsOverHttpTests
{
    [Fact]
    public async Task The_sessions_groups_are_the_providers_groups_after_mapping()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_GROUP_MAP"] = """{"paperless-*": "*", "family": null}""");
        using Visitor alice = await world.SignedInAsync("alice");

        JsonElement session = await SessionAsync(alice);

        Assert.Equal(["users"], Groups(session));
        Assert.Equal("groups", session.GetProperty("groups_source").GetString());
        Assert.Empty(world.Log.Of("GroupsAbsent"));
    }

    [Fact]
    public async Task A_dotted_path_finds_nested_roles_and_is_named_as_the_source()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS_CLAIM"] = "realm_access.roles");
        world.Provider.TamperUserInfo = claims => With(
            claims,
            "realm_access",
            new JsonObject { ["roles"] = new JsonArray("editor", "editor", new JsonObject { ["name"] = "reader", ["id"] = "7" }) });
        using Visitor alice = await world.SignedInAsync("alice");

        JsonElement session = await SessionAsync(alice);

        Assert.Equal(["editor", "reader"], Groups(session));
        Assert.Equal("realm_access.roles", session.GetProperty("groups_source").GetString());
    }

    [Fact]
    public async Task Groups_from_userinfo_win_over_groups_from_the_ID_token()
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperIdToken = claims => With(claims, "groups", new JsonArray("of-the-token"));
        world.Provider.TamperUserInfo = claims => With(claims, "groups", new JsonArray("of-userinfo"));
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal(["of-userinfo"], Groups(await SessionAsync(alice)));
    }

    [Fact]
    public async Task An_empty_groups_claim_means_no_groups_without_a_warning()
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperIdToken = world.Provider.TamperUserInfo = claims => With(claims, "groups", new JsonArray());
        using Visitor alice = await world.SignedInAsync("alice");

        JsonElement session = await SessionAsync(alice);

        Assert.Empty(Groups(session));
        Assert.Equal("groups", session.GetProperty("groups_source").GetString());
        Assert.Empty(world.Log.Of("GroupsAbsent"));
    }

    [Fact]
    public async Task An_absent_groups_claim_means_unknown_groups_with_one_warning()
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperIdToken = world.Provider.TamperUserInfo = claims => Without(claims, "groups");
        using Visitor alice = await world.SignedInAsync("alice");

        JsonElement session = await SessionAsync(alice);

        Assert.Equal(JsonValueKind.Null, session.GetProperty("groups").ValueKind);
        Assert.Equal(JsonValueKind.Null, session.GetProperty("groups_source").ValueKind);
        LogEvent warning = Assert.Single(world.Log.Of("GroupsAbsent"));
        Assert.Equal(LogEventLevel.Warning, warning.Level);
        Assert.Equal("groups", CapturedLog.Value(warning, "Claim"));
    }

    [Theory]
    [InlineData("elsewhere", "group_not_allowed")]
    [InlineData("Family", "group_not_allowed")]
    public async Task A_person_in_no_allowed_group_gets_an_error_page_with_the_logged_trace_id(string allowed, string code)
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = allowed);

        await IsRefusedAsync(world, code);
    }

    [Fact]
    public async Task With_allowed_groups_set_an_absent_groups_claim_refuses_the_sign_in()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");
        world.Provider.TamperIdToken = world.Provider.TamperUserInfo = claims => Without(claims, "groups");

        await IsRefusedAsync(world, "groups_absent");
    }

    [Theory]
    [InlineData("paperless-users")]
    [InlineData("users")]
    [InlineData("nobody,family")]
    public async Task An_allowed_group_may_be_the_providers_name_or_the_mapped_name(string allowed)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_ALLOWED_GROUPS"] = allowed;
            options.Settings["GATEWAY_GROUP_MAP"] = """{"paperless-*": "*", "family": null}""";
        });
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal(["users"], Groups(await SessionAsync(alice)));
    }

    private static async Task IsRefusedAsync(World world, string code)
    {
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        LogEvent refused = Assert.Single(world.Log.Of("Refused"));
        Assert.Equal(code, CapturedLog.Value(refused, "Code"));
        Assert.Contains(CapturedLog.Value(refused, "TraceId"), page.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/gateway/session")).Status);
        Assert.Empty(world.Forwarded);
    }

    private static async Task<JsonElement> SessionAsync(Visitor visitor)
    {
        Page page = await visitor.FetchAsync(HttpMethod.Get, "/gateway/session", null, ("Accept", "application/json"));
        Assert.Equal(HttpStatusCode.OK, page.Status);
        return JsonDocument.Parse(page.Text).RootElement;
    }

    private static string?[] Groups(JsonElement session) => [.. session.GetProperty("groups").EnumerateArray().Select(group => group.GetString())];

    private static JsonObject With(JsonObject claims, string name, JsonNode value)
    {
        claims[name] = value;
        return claims;
    }

    private static JsonObject Without(JsonObject claims, string name)
    {
        claims.Remove(name);
        return claims;
    }
}
