using System.Text.Json;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;

namespace Gateway.Tests.Operations;

/// <summary>`Gateway accounts link --provider-user`, beside a running gateway: a link for somebody who has not signed in yet.</summary>
[Needs(RealPart.Process)]
public sealed class PendingLinkTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task The_first_sign_in_of_the_user_name_gets_the_superuser_and_a_second_person_of_that_name_does_not()
    {
        (int exitCode, string? output, string? errors) = await LinkAsync("admin", "admin");
        (int _, string? listed, string _) = await RunAsync("list");

        Assert.Equal(0, exitCode);
        Assert.StartsWith("The first person who signs in as admin at authentik before ", output, StringComparison.Ordinal);
        Assert.Contains("\"admin\" (user", errors, StringComparison.Ordinal);
        Assert.Matches($@"USER +NAME +PROVIDER +PROVIDER USER +EXPIRES\n{IdOf("admin")} +admin +authentik +admin +\d{{4}}-", listed);
        using Visitor owner = await _world.SignedInAsync("admin");
        Assert.Equal("admin", await owner.WhoAsync());
        Assert.Equal("by the pending link for the user name admin", CapturedLog.Value(Assert.Single(_world.Log.Of("AccountLinked")), "How"));
        Assert.DoesNotContain("EXPIRES", (await RunAsync("list")).Output, StringComparison.Ordinal);
        _world.Provider.Change(_world.Provider.Find("admin")! with { Username = "admin-who-left" });
        _world.NewPerson("admin", "Another Admin");
        using Visitor second = _world.NewVisitor();
        GatewayPages.IsOne(await second.SignInAsync("admin"), "Is this account yours?");
    }

    [Theory]
    [InlineData("Admin")]
    [InlineData("adminx")]
    public async Task Another_user_name_does_not_use_the_link(string name)
    {
        await LinkAsync(name, "admin");

        using Visitor visitor = _world.NewVisitor();

        GatewayPages.IsOne(await visitor.SignInAsync("admin"), "Is this account yours?");
        Assert.Empty(_world.Links());
    }

    [Fact]
    public async Task A_pending_link_is_not_used_after_a_week_or_after_its_removal()
    {
        await LinkAsync("admin", "admin");
        _world.Clock.Advance(TimeSpan.FromDays(7) + TimeSpan.FromMinutes(5));
        using Visitor late = _world.NewVisitor();
        GatewayPages.IsOne(await late.SignInAsync("admin"), "Is this account yours?");

        await LinkAsync("bob", "admin");
        (int removed, string? output, string _) = await RunAsync("unlink", "--provider-user", "bob");
        (int again, string _, string? errors) = await RunAsync("unlink", "--provider-user", "bob", "--provider", "authentik");

        Assert.Equal((0, "No link waits for the user name bob at authentik any more."), (removed, output));
        Assert.Equal(1, again);
        Assert.StartsWith("No link waits for the user name bob", errors, StringComparison.Ordinal);
        using Visitor bob = await _world.SignedInAsync("bob");
        Assert.Equal("bob", await bob.WhoAsync());
    }

    [Fact]
    public async Task The_name_counts_as_the_provider_sends_it_before_the_map()
    {
        _world.Options.Settings["GATEWAY_USERNAME_MAP"] = """{"alice": "mapped"}""";
        await _world.RestartGatewayAsync();
        await LinkAsync("alice", "admin");

        using Visitor alice = await _world.SignedInAsync("alice");

        Assert.Equal("admin", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_pending_link_to_a_deleted_user_is_not_used_and_the_log_says_so()
    {
        _world.Paperless.Data.AddUser("owner", user => user with { IsSuperuser = true });
        await LinkAsync("alice", "owner");
        _world.Paperless.Data.RemoveUser(IdOf("owner"));

        using Visitor alice = await _world.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Single(_world.Log.Of("PendingLinkNotUsed"));
    }

    [Fact]
    public async Task Accounts_list_as_JSON_has_pending_links_without_issuer_and_subject()
    {
        using JsonDocument made = JsonDocument.Parse((await RunAsync("link", "--provider-user", "alice", "--user", "admin", "--json")).Output);
        using JsonDocument rows = JsonDocument.Parse((await RunAsync("list", "--json")).Output);

        JsonElement row = Assert.Single(rows.RootElement.EnumerateArray());
        Assert.Equal(("admin", "authentik", "alice"), (Text("username"), Text("provider"), Text("label")));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (row.GetProperty("issuer").ValueKind, row.GetProperty("subject").ValueKind));
        Assert.Equal(TimeSpan.FromDays(7), row.GetProperty("expires_at").GetDateTimeOffset() - row.GetProperty("linked_at").GetDateTimeOffset());
        Assert.Equal("alice", made.RootElement.GetProperty("label").GetString());

        string? Text(string name) => row.GetProperty(name).GetString();
    }

    [Fact]
    public async Task With_several_providers_a_pending_link_names_the_provider()
    {
        _world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
            ProvidersSetting.Of(_world.Provider),
            ProvidersSetting.Of(new Uri("http://127.0.0.1:9/"), "other", "other", "a secret"));

        (int exitCode, string _, string? errors) = await LinkAsync("alice", "admin");
        (int elsewhere, string _, string _) = await RunAsync("link", "--provider-user", "alice", "--user", "admin", "--provider", "other");

        Assert.Equal((2, "accounts link: --provider is missing; there are authentik, other."), (exitCode, errors.Trim()));
        Assert.Equal(0, elsewhere);
        using Visitor alice = await _world.SignedInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    private Task<(int ExitCode, string Output, string Errors)> LinkAsync(string providerUser, string user) =>
        RunAsync("link", "--user", user, "--provider-user", providerUser);

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] words)
        => ProgramProcess.RunAsync("Gateway", ["accounts", .. words], _world.Settings());

    private int IdOf(string user) => _world.Paperless.Data.FindUser(user)!.Id;
}
