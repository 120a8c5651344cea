using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Gateway.Checks;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Serilog.Events;

namespace Gateway.Tests.Accounts;

/// <summary>No group is taken away because the gateway did not understand the groups claim.</summary>
public sealed class UnreadableGroupsTests
{
    [Theory]
    [InlineData("true")]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("""{"value":"a"}""")]
    [InlineData("""{"groups":["a"]}""")]
    [InlineData("""{"account":{"roles":["a"]}}""")]
    [InlineData("[1]")]
    [InlineData("[true]")]
    [InlineData("[null]")]
    [InlineData("[{}]")]
    [InlineData("""[{"value":"a"}]""")]
    [InlineData("""[["a"]]""")]
    public async Task An_unreadable_groups_claim_changes_no_group_and_is_shown_in_a_warning(string claim)
    {
        await using World world = await StartAsync();
        InGroups(world, "viewers");
        world.Says("groups", JsonNode.Parse(claim));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["viewers"], world.Paperless.Data.GroupsOf("alice"));
        LogEvent warning = Assert.Single(world.Log.Of("GroupsUnreadable"));
        Assert.Equal(LogEventLevel.Warning, warning.Level);
        Assert.Contains(claim.Trim('[', ']'), CapturedLog.Value(warning, "Shape"), StringComparison.Ordinal);
        Assert.Empty(world.Log.Of("GroupsAbsent"));
    }

    [Fact]
    public async Task The_checks_show_an_unreadable_groups_claim()
    {
        await using World world = await StartAsync();
        world.Says("groups", JsonNode.Parse("""{"value": "a"}"""));
        (await world.SignedInAsync("alice")).Dispose();

        CheckReport report = await world.Gateway.Services.GetRequiredService<CheckRunner>().RunAsync(World.Ct);

        Finding finding = Assert.Single(report.Findings, finding => finding.Subject == "authentik: groups");
        Assert.Equal(FindingLevel.Warning, finding.Level);
        Assert.Contains("\"value\"", finding.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_with_an_unreadable_entry_adds_groups_and_takes_none_away()
    {
        await using World world = await StartAsync();
        world.Paperless.Data.AddGroup("family");
        InGroups(world, "viewers");
        world.Says("groups", JsonNode.Parse("""["family", {"value": "x"}]"""));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["family", "viewers"], world.Paperless.Data.GroupsOf("alice").Order());
        Assert.Contains("1 unreadable", CapturedLog.Value(Assert.Single(world.Log.Of("GroupsUnreadable")), "Shape"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_with_an_unreadable_entry_does_not_revoke_a_flag()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_STAFF_GROUPS"] = "clerks");
        world.Says("groups", new JsonArray("clerks"));
        (await world.SignedInAsync("alice")).Dispose();
        world.Says("groups", JsonNode.Parse("""["family", 5]"""));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.True(world.Paperless.Data.FindUser("alice")!.IsStaff);
    }

    [Fact]
    public async Task A_list_of_unknown_names_takes_the_last_group_away_with_a_warning_that_shows_the_names()
    {
        await using World world = await StartAsync();
        InGroups(world, "viewers");
        world.Says("groups", new JsonArray("staff", "guests"));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Empty(world.Paperless.Data.GroupsOf("alice"));
        LogEvent warning = Assert.Single(world.Log.Of("LastGroupRemoved"));
        Assert.Equal(LogEventLevel.Warning, warning.Level);
        Assert.Contains("[\"staff\", \"guests\"]", warning.RenderMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_warning_that_the_last_group_was_taken_away_shows_some_of_many_names()
    {
        await using World world = await StartAsync();
        InGroups(world, "viewers");
        world.Says("groups", new JsonArray([.. Enumerable.Range(0, 900).Select(number => JsonValue.Create($"{new string('g', 140)}{number}"))]));

        (await world.SignedInAsync("alice")).Dispose();

        string shown = Assert.Single(world.Log.Of("LastGroupRemoved")).RenderMessage(CultureInfo.InvariantCulture);
        Assert.InRange(shown.Length, 1000, 4000);
        Assert.Contains("and 880 more", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_that_somebody_else_took_away_meanwhile_is_not_logged_as_taken_away_by_the_claim()
    {
        await using World world = await World.StartAsync();
        InGroups(world, "viewers");
        world.Paperless.Data.UpdateUser("alice", user => user with { Email = "old@example.com" });
        Fault hold = world.Paperless.Faults.Hold(request => request.Method == "PATCH");
        Task<Visitor> signIn = world.SignedInAsync("alice");
        await hold.ArrivedAsync(World.Ct);
        world.Paperless.Data.UpdateUser("alice", user => user with { Groups = [] });
        hold.Release();

        (await signIn).Dispose();

        Assert.NotEmpty(world.Log.Of("ProfileChanged"));
        Assert.Empty(world.Log.Of("LastGroupRemoved"));
        Assert.Empty(world.Log.Of("GroupsChanged"));
    }

    [Fact]
    public async Task An_empty_list_takes_all_groups_away_without_a_warning()
    {
        await using World world = await StartAsync();
        InGroups(world, "viewers");
        world.Says("groups", new JsonArray());

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Empty(world.Paperless.Data.GroupsOf("alice"));
        Assert.Empty(world.Log.Of("LastGroupRemoved"));
        Assert.Empty(world.Log.Of("GroupsUnreadable"));
    }

    [Theory]
    [InlineData("\"family viewers\"")]
    [InlineData("\"['family', 'viewers']\"")]
    [InlineData("\"family\"")]
    [InlineData("null")]
    [InlineData("true")]
    public async Task A_list_in_the_ID_token_is_not_replaced_by_a_text_in_userinfo(string ofUserInfo)
    {
        await using World world = await StartAsync();
        world.Paperless.Data.AddGroup("family");
        world.Provider.TamperIdToken = claims => With(claims, new JsonArray("family", "viewers"));
        world.Provider.TamperUserInfo = claims => With(claims, JsonNode.Parse(ofUserInfo));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["family", "viewers"], world.Paperless.Data.GroupsOf("alice").Order());
    }

    [Theory]
    [InlineData("family, viewers", new[] { "family", "viewers" })]
    [InlineData("viewers", new[] { "viewers" })]
    public async Task A_text_in_userinfo_counts_at_a_recheck_if_it_says_something_else_than_the_old_ID_token(string ofUserInfo, string[] expected)
    {
        await using World world = await RecheckWorld.StartAsync(
            refresh: false,
            settings: [("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true"), ("GATEWAY_SESSION_RECHECK", "1m")]);
        world.Paperless.Data.AddGroup("family");
        world.Provider.TamperIdToken = claims => With(claims, new JsonArray("family", "viewers"));
        world.Provider.TamperUserInfo = claims => With(claims, "family viewers");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.TamperUserInfo = claims => With(claims, ofUserInfo);
        world.Clock.Advance(TimeSpan.FromMinutes(4));

        _ = await alice.FetchAsync("/dashboard");

        Assert.Equal(expected, world.Paperless.Data.GroupsOf("alice").Order());
    }

    [Fact]
    public async Task With_allowed_groups_an_unreadable_groups_claim_refuses_the_sign_in_and_names_the_claim()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");
        world.Says("groups", JsonNode.Parse("""[{"value": "family"}]"""));
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("groups_unreadable", CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Code"));
        Assert.Contains("cannot read which groups", page.Text, StringComparison.Ordinal);
        Assert.Single(world.Log.Of("GroupsUnreadable"));
    }

    [Theory]
    [InlineData("""{"groups": ["other", 5]}""", "groups_unreadable", "cannot read which groups")]
    [InlineData("""{"_claim_names": {"groups": "src1"}, "roles": ["other"]}""", "groups_overage", "more groups than")]
    public async Task With_allowed_groups_a_refusal_says_that_not_all_groups_are_known_after_a_warning(string sent, string code, string words)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family";
            options.Settings["GATEWAY_GROUPS_CLAIM"] = "groups,roles";
        });
        world.SaysInPlaceOfGroups(sent);
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Contains(words, page.Text, StringComparison.Ordinal);
        Assert.Equal(code, CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Code"));
        IEnumerable<string?> events = world.Log.Events.Select(CapturedLog.NameOf).Where(name => name is "GroupsUnreadable" or "Refused");
        Assert.Equal(["GroupsUnreadable", "Refused"], events);
    }

    [Theory]
    [InlineData("""{"groups": ["other", 5]}""")]
    [InlineData("""{"_claim_names": {"groups": "src1"}, "roles": ["other"]}""")]
    public async Task With_allowed_groups_groups_that_are_not_all_known_at_a_recheck_do_not_end_the_session(string sent)
    {
        await using World world = await RecheckWorld.StartAsync(
            settings: [("GATEWAY_ALLOWED_GROUPS", "family"), ("GATEWAY_GROUPS_CLAIM", "groups,roles")]);
        using Visitor alice = await world.SignedInAsync("alice");
        world.SaysInPlaceOfGroups(sent);
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Contains("family", await alice.GroupsAsync());
        Assert.NotEmpty(world.Log.Of("GroupsUnreadable"));
    }

    [Theory]
    [InlineData("""{"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/getMemberObjects"}}}""")]
    [InlineData("""{"hasgroups": true}""")]
    [InlineData("""{"hasgroups": "true"}""")]
    public async Task Groups_that_Entra_left_out_as_too_many_stay_as_they_are_with_a_warning_that_says_so(string sent)
    {
        await using World world = await StartAsync();
        InGroups(world, "viewers");
        world.SaysInPlaceOfGroups(sent);

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["viewers"], world.Paperless.Data.GroupsOf("alice"));
        Assert.Equal("groups", CapturedLog.Value(Assert.Single(world.Log.Of("GroupsOverage")), "Claim"));
        Assert.Empty(world.Log.Of("GroupsAbsent"));
        Assert.Empty(world.Log.Of("GroupsUnreadable"));
    }

    [Fact]
    public async Task With_a_second_claim_groups_that_Entra_left_out_are_not_taken_away()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true";
            options.Settings["GATEWAY_GROUPS_CLAIM"] = "groups,roles";
        });
        world.Paperless.Data.AddGroup("family");
        InGroups(world, "viewers");
        world.SaysInPlaceOfGroups("""{"_claim_names": {"groups": "src1"}, "roles": ["family"]}""");

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["family", "viewers"], world.Paperless.Data.GroupsOf("alice").Order());
        Assert.Contains("overage", CapturedLog.Value(Assert.Single(world.Log.Of("GroupsUnreadable")), "Shape"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beside_groups_that_Entra_left_out_an_unreadable_claim_is_shown_in_the_warning()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_GROUPS_CLAIM"] = "groups,roles");
        world.SaysInPlaceOfGroups("""{"_claim_names": {"groups": "src1"}, "roles": [5]}""");

        (await world.SignedInAsync("alice")).Dispose();

        string shape = CapturedLog.Value(Assert.Single(world.Log.Of("GroupsUnreadable")), "Shape");
        Assert.Contains("1 unreadable entries: 5", shape, StringComparison.Ordinal);
        Assert.Contains("overage", shape, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_allowed_groups_a_person_whose_groups_Entra_left_out_is_refused_with_the_reason()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");
        world.SaysInPlaceOfGroups("""{"_claim_names": {"groups": "src1"}}""");
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("groups_overage", CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Code"));
        Assert.Contains("more groups than", page.Text, StringComparison.Ordinal);
    }

    private static JsonObject With(JsonObject claims, JsonNode? groups)
    {
        claims["groups"] = groups;
        return claims;
    }

    private static void InGroups(World world, string group)
    {
        StandInGroup found = world.Paperless.Data.FindGroup(group)!;
        world.Paperless.Data.UpdateUser("alice", user => user with { Groups = [found.Id] });
    }

    private static Task<World> StartAsync() => World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true");
}
