using System.Net;
using System.Text.Json.Nodes;
using Gateway.Providers;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Providers;

/// <summary>Groups that Microsoft Entra leaves out as too many, fetched from Microsoft Graph.</summary>
public sealed class MicrosoftGraphTests
{
    private const string Family = "8f14e45f-0000-0000-0000-000000000001";
    private const string Chefs = "8f14e45f-0000-0000-0000-000000000002";
    private const string Map = $$"""{"{{Family}}": "family", "{{Chefs}}": "chefs", "*": null}""";

    [Theory]
    [InlineData(null)]
    [InlineData("""{"hasgroups": true}""")]
    public async Task Groups_that_Entra_left_out_are_fetched_from_Microsoft_Graph_at_the_sign_in(string? claims)
    {
        await using EntraWorld entra = await StartAsync(claims: claims);
        Names(entra, Family, "another");

        (await entra.World.SignedInAsync("alice")).Dispose();

        Assert.Equal(["family"], entra.World.Paperless.Data.GroupsOf("alice"));
        Assert.Empty(entra.World.Log.Of("GroupsOverage"));
        Assert.Single(entra.Questions);
    }

    [Fact]
    public async Task A_group_that_only_Microsoft_Graph_names_grants_access()
    {
        await using EntraWorld entra = await StartAsync(settings: ("GATEWAY_ALLOWED_GROUPS", Chefs));
        Names(entra, Family, Chefs);

        using Visitor alice = await entra.World.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData("graph.microsoft.us")]
    [InlineData("dod-graph.microsoft.us")]
    [InlineData("microsoftgraph.chinacloudapi.cn")]
    public async Task National_clouds_have_a_Microsoft_Graph_of_their_own(string host)
    {
        await using EntraWorld entra = await StartAsync(host, host);
        Names(entra, Family);

        (await entra.World.SignedInAsync("alice")).Dispose();

        Assert.Equal(["family"], entra.World.Paperless.Data.GroupsOf("alice"));
    }

    [Fact]
    public async Task A_recheck_fetches_the_groups_anew()
    {
        await using EntraWorld entra = await StartAsync();
        Names(entra, Family);
        using Visitor alice = await entra.World.SignedInAsync("alice");
        Names(entra, Chefs);
        entra.World.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);

        Assert.Equal(["chefs"], entra.World.Paperless.Data.GroupsOf("alice"));
        Assert.Equal(["chefs"], await alice.GroupsAsync());
    }

    [Fact]
    public async Task A_recheck_at_which_Microsoft_Graph_fails_changes_no_group()
    {
        await using EntraWorld entra = await StartAsync(settings: ("GATEWAY_ALLOWED_GROUPS", Family));
        Names(entra, Family);
        using Visitor alice = await entra.World.SignedInAsync("alice");
        entra.World.Provider.Options = entra.World.Provider.Options with { GraphGroups = null };
        entra.World.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);

        Assert.Equal(["family"], entra.World.Paperless.Data.GroupsOf("alice"));
        Assert.Equal(["family"], await alice.GroupsAsync());
        Assert.NotEmpty(entra.World.Log.Of("GroupsOverage"));
    }

    [Theory]
    [InlineData(null, "answered 403 (Authorization_RequestDenied)")]
    [InlineData("{}", "no complete list")]
    [InlineData("""{"value": "family"}""", "no complete list")]
    [InlineData("""{"value": [1]}""", "no complete list")]
    [InlineData("""{"value": ["8f14e45f-0000-0000-0000-000000000001"], "@odata.nextLink": "https://graph.microsoft.com/next"}""", "no complete list")]
    public async Task Without_an_answer_of_Microsoft_Graph_the_groups_stay_and_the_warning_says_what_came(string? answer, string words)
    {
        await using EntraWorld entra = await StartAsync();
        entra.World.Paperless.Data.UpdateUser("alice", user => user with { Groups = [Group(entra, "chefs").Id] });
        if (answer is not null)
        {
            Names(entra, Family);
            entra.World.Provider.TamperGraph = _ => JsonNode.Parse(answer)!.AsObject();
        }

        (await entra.World.SignedInAsync("alice")).Dispose();

        Assert.Equal(["chefs"], entra.World.Paperless.Data.GroupsOf("alice"));
        Assert.Contains(words, CapturedLog.Value(Assert.Single(entra.World.Log.Of("GroupsNotFetched")), "Reason"), StringComparison.Ordinal);
        Assert.Single(entra.World.Log.Of("GroupsOverage"));
    }

    [Fact]
    public async Task An_answer_of_Microsoft_Graph_that_is_too_large_is_not_read()
    {
        await using EntraWorld entra = await StartAsync();
        Names(entra, [.. Enumerable.Repeat(Family, 40_000)]);

        (await entra.World.SignedInAsync("alice")).Dispose();

        Assert.Empty(entra.World.Paperless.Data.GroupsOf("alice"));
        Assert.Contains("too large", CapturedLog.Value(Assert.Single(entra.World.Log.Of("GroupsNotFetched")), "Reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_in_goes_on_without_the_groups_if_Microsoft_Graph_does_not_answer_in_time()
    {
        await using EntraWorld entra = await StartAsync();
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        entra.World.Provider.Hold = path =>
        {
            if (!path.StartsWith("/v1.0/", StringComparison.Ordinal))
            {
                return Task.CompletedTask;
            }

            asked.SetResult();
            return held.Task;
        };
        Task<Visitor> signIn = entra.World.SignedInAsync("alice");
        await asked.Task.WaitAsync(Wait.Limit, World.Ct);
        entra.World.Clock.Advance(ProviderTimeouts.Default.Response);

        using Visitor alice = await signIn;

        held.SetResult();
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Contains("in time", CapturedLog.Value(Assert.Single(entra.World.Log.Of("GroupsNotFetched")), "Reason"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("graph.example.com", "graph.example.com", null)]
    [InlineData("graph.microsoft.com.example.com", "graph.microsoft.com.example.com", null)]
    [InlineData("graph.microsoft.com@example.com", EntraWorld.GraphHost, null)]
    [InlineData("graph.microsoft.com/x", EntraWorld.GraphHost, null)]
    [InlineData(EntraWorld.GraphHost, "userinfo.example.com", null)]
    [InlineData(EntraWorld.GraphHost, EntraWorld.GraphHost, """{"groups": []}""")]
    [InlineData(EntraWorld.GraphHost, EntraWorld.GraphHost, "{}")]
    public async Task Only_Microsoft_Graph_is_asked_and_only_where_the_groups_are_left_out(string graphHost, string userInfoHost, string? claims)
    {
        await using EntraWorld entra = await StartAsync(graphHost, userInfoHost, claims);
        Names(entra, Family);

        (await entra.World.SignedInAsync("alice")).Dispose();

        Assert.Empty(entra.Questions);
        Assert.Empty(entra.World.Paperless.Data.GroupsOf("alice"));
        Assert.Empty(entra.World.Log.Of("GroupsNotFetched"));
    }

    private static async Task<EntraWorld> StartAsync(
        string graphHost = EntraWorld.GraphHost,
        string userInfoHost = EntraWorld.GraphHost,
        string? claims = null,
        params (string Name, string Value)[] settings)
    {
        EntraWorld entra = await EntraWorld.StartAsync(graphHost, userInfoHost, claims, [("GATEWAY_GROUP_MAP", Map), .. settings]);
        entra.World.Paperless.Data.AddGroup("family");
        entra.World.Paperless.Data.AddGroup("chefs");
        return entra;
    }

    private static void Names(EntraWorld entra, params string[] ids) =>
        entra.World.Provider.Options = entra.World.Provider.Options with { GraphGroups = ids };

    private static StandInGroup Group(EntraWorld entra, string name) => entra.World.Paperless.Data.FindGroup(name)!;
}
