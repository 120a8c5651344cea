using System.Globalization;
using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Accounts;

/// <summary>Groups in Paperless follow the claims of the provider.</summary>
public sealed class GroupSyncTests
{
    [Fact]
    public async Task Groups_become_exactly_the_mapped_existing_ones_and_the_log_lists_the_changes()
    {
        await using World world = await StartAsync(("GATEWAY_GROUP_MAP", """{"paperless-*": "*"}"""));
        StandInGroup users = world.Paperless.Data.AddGroup("users");
        StandInGroup viewers = world.Paperless.Data.FindGroup("viewers")!;
        world.Paperless.Data.UpdateUser("alice", user => user with { Groups = [viewers.Id] });

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal([users.Id], world.Paperless.Data.FindUser("alice")!.Groups);
        LogEvent said = Assert.Single(world.Log.Of("GroupsChanged"));
        Assert.Equal(
            "The groups of \"alice\" changed: added [\"users\"], removed [\"viewers\"], from the claim \"groups\" of \"authentik\"",
            said.RenderMessage(CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task An_absent_groups_claim_changes_nothing_and_an_empty_groups_claim_removes_all_groups(bool there, bool cleared)
    {
        await using World world = await StartAsync();
        StandInGroup viewers = world.Paperless.Data.FindGroup("viewers")!;
        world.Paperless.Data.UpdateUser("alice", user => user with { Groups = [viewers.Id] });
        world.Says("groups", there ? new JsonArray() : null);

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(cleared ? [] : ["viewers"], world.Paperless.Data.GroupsOf("alice"));
    }

    [Fact]
    public async Task Without_the_sync_setting_the_groups_of_an_existing_user_stay_unchanged()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddGroup("family");

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Empty(world.Paperless.Data.GroupsOf("alice"));
    }

    [Fact]
    public async Task Groups_missing_in_Paperless_are_skipped_or_created_as_the_settings_say()
    {
        await using World leaves = await StartAsync();
        leaves.Paperless.Data.AddGroup("family");
        (await leaves.SignedInAsync("alice")).Dispose();
        Assert.Equal(["family"], leaves.Paperless.Data.GroupsOf("alice"));
        Assert.Null(leaves.Paperless.Data.FindGroup("paperless-users"));

        await using World makes = await StartAsync(("GATEWAY_CREATE_GROUPS", "true"));
        (await makes.SignedInAsync("alice")).Dispose();
        Assert.Equal(["family", "paperless-users"], makes.Paperless.Data.GroupsOf("alice"));
        Assert.Empty(makes.Paperless.Data.FindGroup("family")!.Permissions);
        Assert.Equal(2, makes.Log.Of("GroupCreated").Count);
    }

    [Fact]
    public async Task Default_groups_apply_to_new_accounts_until_the_provider_sends_groups()
    {
        await using World world = await StartAsync(("PAPERLESS_ACCOUNT_DEFAULT_GROUPS", "viewers"));
        world.Paperless.Data.AddGroup("family");
        world.NewPerson("carol", "Carol Cook", "family");

        (await world.SignedInAsync("carol")).Dispose();
        Assert.Equal(["family", "viewers"], world.Paperless.Data.GroupsOf("carol"));

        (await world.SignedInAsync("carol")).Dispose();
        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("carol"));
    }

    [Fact]
    public async Task Groups_are_read_from_all_pages_of_the_API()
    {
        await using World world = await StartAsync();
        for (int number = 0; number < 230; number++)
        {
            world.Paperless.Data.AddGroup($"group-{number}");
        }

        world.Says("groups", new JsonArray("group-0", "group-120", "group-229"));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["group-0", "group-120", "group-229"], world.Paperless.Data.GroupsOf("alice"));
        Assert.Equal(3, world.ApiRequests.Count(request => request.RawPath == "/api/groups/"));
    }

    [Fact]
    public async Task Groups_are_cached_for_a_minute_and_read_again_when_a_group_is_missing()
    {
        await using World world = await StartAsync();
        world.Paperless.Data.AddGroup("family");
        StandInGroup doomed = world.Paperless.Data.AddGroup("paperless-users");
        (await world.SignedInAsync("alice")).Dispose();
        (await world.SignedInAsync("alice")).Dispose();
        Assert.Single(world.ApiRequests, request => request.RawPath == "/api/groups/");
        world.Paperless.Data.RemoveGroup(doomed.Id);

        (await world.SignedInAsync("bob")).Dispose();

        Assert.Empty(world.Paperless.Data.GroupsOf("bob"));
        Assert.Equal(2, world.ApiRequests.Count(request => request.RawPath == "/api/groups/"));
        world.Clock.Advance(TimeSpan.FromSeconds(61));
        (await world.SignedInAsync("alice")).Dispose();
        Assert.Equal(3, world.ApiRequests.Count(request => request.RawPath == "/api/groups/"));
    }

    [Fact]
    public async Task An_older_sign_in_does_not_overwrite_the_groups_of_a_newer_one()
    {
        await using World world = await StartAsync();
        world.Paperless.Data.AddGroup("old");
        world.Paperless.Data.AddGroup("new");
        (await world.SignedInAsync("alice")).Dispose();
        Fault hold = world.Paperless.Faults.Hold(request => request.RawPath == "/api/ui_settings/"
            || (request.Method == "GET" && request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal)));
        world.Says("groups", new JsonArray("new"));
        Task<Visitor> newer = world.SignedInAsync("alice");
        await hold.ArrivedAsync(World.Ct);

        // Heard before, and only now on its way: its turn comes after the newer one's.
        DateTimeOffset heardBefore = world.Clock.GetUtcNow() - TimeSpan.FromSeconds(5);
        Gateway.Accounts.AccountSignIn accounts = world.Gateway.Services.GetRequiredService<Gateway.Accounts.AccountSignIn>();
        global::Gateway.StandIns.Provider.Person alice = world.Provider.Find("alice")!;
        Task<Gateway.Accounts.AccountAnswer> older = accounts.SignInAsync(
            new Gateway.Accounts.Person(
                "authentik",
                world.Provider.Issuer.AbsoluteUri,
                alice.Subject,
                "alice",
                null,
                null,
                null,
                null,
                ["old"],
                "groups",
                null,
                null,
                heardBefore),
            chosen: null,
            wantsNewAccount: false);
        hold.Release();
        (await newer).Dispose();
        Gateway.Accounts.AccountAnswer answer = await older;

        Assert.Equal("alice", answer.Account!.Username);
        Assert.Equal(["new"], world.Paperless.Data.GroupsOf("alice"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"detail": "Maintenance"}""")]
    [InlineData("""{"next": null, "results": null}""")]
    public async Task An_API_answer_without_a_list_is_not_taken_for_an_empty_list_of_groups(string json)
    {
        await using World world = await StartAsync();
        world.Paperless.Data.UpdateUser("alice", user => user with { Groups = [world.Paperless.Data.FindGroup("viewers")!.Id] });
        using Visitor alice = world.NewVisitor();
        using Fault lying = world.Paperless.Faults.Answer(request => request.RawPath == "/api/groups/", 200, json);

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Equal(["viewers"], world.Paperless.Data.GroupsOf("alice"));
    }

    [Theory]
    [InlineData("editors ", "editors")]
    [InlineData(" editors", "editors")]
    [InlineData("EDITORS", null)]
    public async Task A_group_that_cannot_be_created_is_skipped_and_does_not_block_the_sign_in(string claimed, string? got)
    {
        await using World world = await StartAsync(("GATEWAY_CREATE_GROUPS", "true"));
        world.Says("groups", new JsonArray(claimed));

        // As a database does that compares without letter case.
        using Fault taken = world.Paperless.Faults
            .Answer(request => request is { Method: "POST", RawPath: "/api/groups/" }, 400, """{"name": ["group with this name already exists."]}""");
        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(got is null ? [] : [got], world.Paperless.Data.GroupsOf("alice"));
        Assert.Equal(got is null ? 1 : 0, world.Log.Of("GroupNotCreated").Count);
    }

    [Fact]
    public async Task A_sign_in_whose_groups_exist_does_not_wait_for_one_whose_groups_are_being_created()
    {
        await using World world = await StartAsync(("GATEWAY_CREATE_GROUPS", "true"));
        world.NewPerson("carol", "Carol Cook", "first", "second");
        world.NewPerson("dave", "Dave Davis", "viewers");
        (await world.SignedInAsync("dave")).Dispose();
        Fault hold = world.Paperless.Faults.Hold(request => request is { Method: "POST", RawPath: "/api/groups/" });
        Task<Visitor> creates = world.SignedInAsync("carol");
        await hold.ArrivedAsync(World.Ct);

        (await world.SignedInAsync("dave")).Dispose();

        Assert.False(creates.IsCompleted);
        hold.Release();
        (await creates).Dispose();
        Assert.Equal(["first", "second"], world.Paperless.Data.GroupsOf("carol"));
    }

    [Fact]
    public async Task Fifty_concurrent_sign_ins_of_one_person_end_with_the_right_groups()
    {
        await using World world = await StartAsync(("GATEWAY_CREATE_GROUPS", "true"));

        Visitor[] visitors = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => world.SignedInAsync("alice")));

        Assert.Equal(["family", "paperless-users"], world.Paperless.Data.GroupsOf("alice"));
        Assert.Single(world.ApiRequests, request => request.Method == "PATCH");
        Array.ForEach(visitors, visitor => visitor.Dispose());
    }

    private static Task<World> StartAsync(params (string Name, string Value)[] settings) => World.StartAsync(options =>
    {
        options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true";
        foreach ((string name, string value) in settings)
        {
            options.Settings[name] = value;
        }
    });
}

internal static class ClaimsOfEverybody
{
    /// <summary>The provider sends these claims from now on, and no groups.</summary>
    public static void SaysInPlaceOfGroups(this World world, string claims) => world.Provider.TamperIdToken = world.Provider.TamperUserInfo = sent =>
    {
        sent.Remove("groups");
        foreach ((string name, JsonNode? value) in JsonNode.Parse(claims)!.AsObject())
        {
            sent[name] = value?.DeepClone();
        }

        return sent;
    };

    /// <summary>What the provider says in one claim from now on; null: nothing.</summary>
    public static void Says(this World world, string claim, JsonNode? value)
    {
        world.Provider.TamperIdToken = world.Provider.TamperUserInfo = claims =>
        {
            claims.Remove(claim);
            if (value is not null)
            {
                claims[claim] = value.DeepClone();
            }

            return claims;
        };
    }
}
