using System.Text.Json;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

/// <summary>`Gateway accounts` as a process of its own, mostly while a gateway runs on the same store.</summary>
[Needs(RealPart.Process)]
public sealed class AccountsCommandTests : IAsyncLifetime
{
    private static readonly string[] Properties = ["user_id", "username", "provider", "label", "issuer", "subject", "linked_at"];

    private World _world = null!;

    private string Issuer => _world.Provider.Issuer.AbsoluteUri;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_superuser_linked_by_the_operator_while_the_gateway_runs_signs_in_as_that_user()
    {
        (int exitCode, string? output, string? errors) = await LinkAsync("alice", "admin");

        Assert.Equal((0, $"admin (user {IdOf("admin")}) is now linked to {SubjectOf("alice")} of {Issuer}."), (exitCode, output));
        Assert.Contains(
            $"Gateway.SecurityLog \"admin\" (user {IdOf("admin")}) is now linked to \"{SubjectOf("alice")}\" of \"{Issuer}\" at \"authentik\", by a command",
            Assert.Single(Lines(errors)),
            StringComparison.Ordinal);
        using Visitor alice = await _world.SignedInAsync("alice");
        Assert.Equal("admin", await alice.WhoAsync());
        using JsonDocument session = JsonDocument.Parse((await alice.FetchAsync("/gateway/session")).Text);
        Assert.True(session.RootElement.GetProperty("superuser").GetBoolean());
    }

    [Fact]
    public async Task After_unlinking_the_next_sign_in_does_not_use_the_link()
    {
        await LinkAsync("alice", "admin");

        (int exitCode, string? output, string? errors) = await RunAsync("unlink", "--issuer", Issuer, $"--subject={SubjectOf("alice")}");

        Assert.Equal((0, $"admin (user {IdOf("admin")}) is no longer linked to {SubjectOf("alice")} of {Issuer}."), (exitCode, output));
        Assert.Contains("by a command", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("that was open", errors, StringComparison.Ordinal);

        // The command has its own clock: whoever was on the way in before it stays out.
        _world.Clock.Advance(TimeSpan.FromMinutes(5));
        using Visitor alice = await _world.SignedInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task Unlinking_a_person_ends_that_persons_sessions_and_no_others()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        using Visitor bob = await _world.SignedInAsync("bob");

        (int exitCode, string _, string? errors) = await RunAsync("unlink", "--issuer", Issuer, "--subject", SubjectOf("alice"));

        Assert.Equal(0, exitCode);
        Assert.Contains("The session that was open has ended. A gateway that is running notices within half a minute.", errors, StringComparison.Ordinal);
        _world.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("alice", CapturedLog.Value(await _world.Log.WaitForAsync("SessionEnded"), "User"));
        Assert.Equal((null, "bob"), (await alice.WhoAsync(), await bob.WhoAsync()));

        // Coming back is a first sign-in, and a name does not find what was somebody's once.
        _world.Clock.Advance(TimeSpan.FromMinutes(5));
        using Visitor again = await _world.SignedInAsync("alice");
        Assert.Equal("alice2", await again.WhoAsync());
    }

    [Fact]
    public async Task Unlinking_ends_sessions_also_where_the_subject_is_not_the_sub_claim()
    {
        await using World world = await ProvidersSetting.StartAsync(settings => settings["uid_field"] = "preferred_username");
        using Visitor alice = await world.SignedInAsync("alice");

        (int exitCode, string _, string? errors) = await ProgramProcess.RunAsync(
            "Gateway",
            ["accounts", "unlink", "--issuer", world.Provider.Issuer.AbsoluteUri, "--subject", "alice"],
            world.Settings());

        Assert.Equal(0, exitCode);
        Assert.Contains("The session that was open has ended.", errors, StringComparison.Ordinal);
        world.Clock.Advance(TimeSpan.FromSeconds(30));
        await world.Log.WaitForAsync("SessionEnded");
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task Accounts_list_is_a_table_with_the_names_at_the_provider_and_in_Paperless()
    {
        (await _world.SignedInAsync("alice")).Dispose();
        await LinkAsync("admin", "admin");

        (int exitCode, string? output, string? errors) = await RunAsync("list");

        Assert.Equal((0, ""), (exitCode, errors));
        string[] lines = Lines(output);
        Assert.Matches(@"\AUSER +NAME +PROVIDER +LABEL +ISSUER +SUBJECT +LINKED AT\z", lines[0]);
        Assert.Matches($@"\A{IdOf("alice")} +alice +authentik +alice +{Issuer} +{SubjectOf("alice")} +\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ\z", lines[1]);
        Assert.Matches($@"\A{IdOf("admin")} +admin +authentik +{SubjectOf("admin")} +{Issuer} +{SubjectOf("admin")} +", lines[2]);
        Assert.Equal(3, lines.Length);
    }

    [Fact]
    public async Task Accounts_list_as_JSON_prints_JSON_only()
    {
        string[] named = ["--issuer", Issuer, "--subject", SubjectOf("bob")];
        DateTimeOffset before = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());

        Assert.Equal("[]", (await RunAsync("list", "--json")).Output);
        using JsonDocument linked = JsonDocument.Parse((await RunAsync(["link", .. named, "--user=admin", "--json"])).Output);
        using JsonDocument listed = JsonDocument.Parse((await RunAsync("list", "--json")).Output);
        using JsonDocument unlinked = JsonDocument.Parse((await RunAsync(["unlink", "--json", .. named])).Output);

        JsonElement row = Assert.Single(listed.RootElement.EnumerateArray());
        Assert.Equal(Properties, row.EnumerateObject().Select(property => property.Name));
        Assert.Equal(IdOf("admin"), row.GetProperty("user_id").GetInt32());
        Assert.Equal(
            ["admin", "authentik", SubjectOf("bob"), Issuer, SubjectOf("bob")],
            row.EnumerateObject().Skip(1).Take(5).Select(property => property.Value.GetString()));
        Assert.InRange(row.GetProperty("linked_at").GetDateTimeOffset(), before, DateTimeOffset.UtcNow);
        Assert.All([linked, unlinked], one => Assert.True(JsonElement.DeepEquals(row, one.RootElement)));
    }

    [Fact]
    public async Task Accounts_list_without_any_link_says_that_there_is_none() =>
        Assert.Equal((0, "Nobody is linked to a Paperless user yet.", ""), await RunAsync("list"));

    [Fact]
    public async Task Accounts_list_shows_no_name_for_a_user_who_is_deleted_or_whose_id_belongs_to_another()
    {
        await LinkAsync("alice", "alice");
        await LinkAsync("bob", "bob");
        _world.Paperless.Data.RemoveUser(IdOf("alice"));
        _world.Paperless.Data.UpdateUser("bob", user => user with { Joined = user.Joined.AddDays(1) });

        string[] rows = Lines((await RunAsync("list")).Output)[1..];

        Assert.Equal(2, rows.Length);
        Assert.All(rows, row => Assert.Matches(@"\A\d+ +\(gone\) +authentik ", row));
    }

    [Fact]
    public async Task While_Paperless_is_unavailable_accounts_list_shows_ids_and_accounts_link_links_nothing()
    {
        await LinkAsync("alice", "admin");
        using Fault away = _world.Paperless.Faults.Answer(_ => true, 503);

        (int ExitCode, string Output, string Errors) list = await RunAsync("list", "--json");
        (int ExitCode, string Output, string Errors) link = await LinkAsync("bob", "bob");
        (int ExitCode, string Output, string Errors) unlink = await RunAsync("unlink", "--issuer", Issuer, "--subject", SubjectOf("alice"));

        using JsonDocument rows = JsonDocument.Parse(list.Output);
        Assert.Equal((0, JsonValueKind.Null), (list.ExitCode, Assert.Single(rows.RootElement.EnumerateArray()).GetProperty("username").ValueKind));
        Assert.StartsWith("Paperless cannot be asked: ", Assert.Single(Lines(list.Errors)), StringComparison.Ordinal);
        Assert.Equal((1, ""), (link.ExitCode, link.Output));
        Assert.StartsWith("Paperless cannot be asked: ", Assert.Single(Lines(link.Errors)), StringComparison.Ordinal);
        Assert.Equal((0, $"user {IdOf("admin")} is no longer linked to {SubjectOf("alice")} of {Issuer}."), (unlink.ExitCode, unlink.Output));
    }

    [Fact]
    public async Task Accounts_link_does_not_change_an_existing_link()
    {
        (await _world.SignedInAsync("alice")).Dispose();

        (int exitCode, string? output, string? errors) = await LinkAsync("alice", "admin");

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal(
            $"{SubjectOf("alice")} of {Issuer} is linked to alice (user {IdOf("alice")}) already. Remove that link first with \"accounts unlink\".",
            errors.Trim());
        using JsonDocument rows = JsonDocument.Parse((await RunAsync("list", "--json")).Output);
        Assert.Equal("alice", Assert.Single(rows.RootElement.EnumerateArray()).GetProperty("username").GetString());
    }

    [Fact]
    public async Task Of_two_concurrent_link_commands_one_links_and_the_other_reports_the_existing_link()
    {
        (int ExitCode, string Output, string Errors)[] both = await Task.WhenAll(LinkAsync("alice", "admin"), LinkAsync("alice", "bob"));

        Assert.Equal([0, 1], both.Select(one => one.ExitCode).Order());
        Assert.Contains("already", both.Single(one => one.ExitCode == 1).Errors, StringComparison.Ordinal);
        using JsonDocument rows = JsonDocument.Parse((await RunAsync("list", "--json")).Output);
        Assert.Single(rows.RootElement.EnumerateArray());
    }

    [Fact]
    public async Task Accounts_link_refuses_a_user_that_Paperless_does_not_have_and_compares_case_sensitively()
    {
        _world.Paperless.Data.AddUser("Carol");

        (int ExitCode, string Output, string Errors) carol = await LinkAsync("alice", "carol");
        (int ExitCode, string Output, string Errors) nobody = await LinkAsync("alice", "nobody");

        Assert.Equal((1, "", "Paperless has no user \"carol\" but \"Carol\": letter case counts."), (carol.ExitCode, carol.Output, carol.Errors.Trim()));
        Assert.Equal((1, "", "Paperless has no user \"nobody\"."), (nobody.ExitCode, nobody.Output, nobody.Errors.Trim()));
        Assert.Equal("[]", (await RunAsync("list", "--json")).Output);
    }

    [Fact]
    public async Task Accounts_unlink_refuses_an_unknown_link_and_points_out_a_misspelled_issuer()
    {
        await LinkAsync("alice", "admin");

        (int ExitCode, string Output, string Errors) bob = await RunAsync("unlink", "--issuer", Issuer, "--subject", SubjectOf("bob"));
        (int ExitCode, string Output, string Errors) slip = await RunAsync("unlink", "--issuer", Issuer.TrimEnd('/'), "--subject", SubjectOf("alice"));

        Assert.Equal((1, ""), (bob.ExitCode, bob.Output));
        Assert.StartsWith($"Nobody is linked to {SubjectOf("bob")} of {Issuer}", bob.Errors, StringComparison.Ordinal);
        Assert.Equal((1, ""), (slip.ExitCode, slip.Output));
        Assert.Contains($"that subject is linked at the issuer {Issuer}.", slip.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accounts_link_warns_of_a_link_with_which_nobody_can_sign_in()
    {
        _world.Paperless.Data.UpdateUser("bob", user => user with { IsActive = false });

        (int exitCode, string _, string? errors) = await RunAsync("link", "--issuer", Issuer.TrimEnd('/'), "--subject", SubjectOf("bob"), "--user", "bob");

        Assert.Equal(0, exitCode);
        Assert.Contains("bob is not active in Paperless", errors, StringComparison.Ordinal);
        Assert.Contains($"authentik calls itself {Issuer}, not {Issuer.TrimEnd('/')}: nobody can sign in with this link.", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unavailable_provider_does_not_prevent_an_accounts_link()
    {
        _world.Provider.Outage = Outage.DropsConnections;

        Assert.Equal(0, (await LinkAsync("bob", "admin")).ExitCode);
    }

    [Fact]
    public async Task With_several_providers_an_accounts_command_must_name_the_provider()
    {
        _world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
            ProvidersSetting.Of(_world.Provider),
            ProvidersSetting.Of(new Uri("http://127.0.0.1:9/"), "other", "other", "a secret"));
        string[] link = ["link", "--issuer", Issuer, "--subject", SubjectOf("alice"), "--user", "admin"];

        (int ExitCode, string Output, string Errors) unsaid = await RunAsync(link);
        (int ExitCode, string Output, string Errors) unknown = await RunAsync([.. link, "--provider", "third"]);
        (int ExitCode, string Output, string Errors) said = await RunAsync([.. link, "--provider", "other", "--json"]);

        Assert.Equal((2, "", "accounts link: --provider is missing; there are authentik, other."), (unsaid.ExitCode, unsaid.Output, unsaid.Errors.Trim()));
        Assert.Equal(
            (1, "", "The settings have no provider \"third\"; there are authentik, other."),
            (unknown.ExitCode, unknown.Output, unknown.Errors.Trim()));
        using JsonDocument linked = JsonDocument.Parse(said.Output);
        Assert.Equal("other", linked.RootElement.GetProperty("provider").GetString());
    }

    [Fact]
    public async Task A_person_linked_at_two_providers_is_unlinked_at_the_named_provider_only()
    {
        IAccountLinkStore links = _world.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        foreach (string provider in new[] { "authentik", "renamed" })
        {
            AccountLink link = new(0, Issuer, SubjectOf("alice"), provider, "alice", IdOf("alice"), "", _world.Clock.GetUtcNow(), DateTimeOffset.UnixEpoch);
            await links.AddAsync(link, onlyToFreeUser: false, World.Ct);
        }

        string[] alice = ["--issuer", Issuer, "--subject", SubjectOf("alice")];
        (int ExitCode, string Output, string Errors) unsaid = await RunAsync(["unlink", .. alice]);
        (int ExitCode, string Output, string Errors) linked = await RunAsync(["link", .. alice, "--user", "admin"]);
        (int ExitCode, string Output, string Errors) said = await RunAsync(["unlink", .. alice, "--provider", "authentik"]);
        (int ExitCode, string Output, string Errors) again = await RunAsync(["unlink", .. alice, "--provider", "authentik"]);
        (int ExitCode, string Output, string Errors) taken = await RunAsync(["link", .. alice, "--user", "admin"]);

        Assert.Equal((2, "accounts unlink: --provider is missing; that person is linked at authentik and renamed."), (unsaid.ExitCode, unsaid.Errors.Trim()));
        Assert.Equal((1, 0, 1, 1), (linked.ExitCode, said.ExitCode, again.ExitCode, taken.ExitCode));
        Assert.Contains($"already, at the provider renamed.", taken.Errors, StringComparison.Ordinal);
        Assert.Equal("renamed", Assert.Single(_world.Links()).Provider);
    }

    [Fact]
    public async Task An_accounts_command_reports_a_rejected_API_token_without_showing_the_token()
    {
        _world.Options.Settings["GATEWAY_PAPERLESS_TOKEN"] = "SECRETthatisnotaken";

        (int exitCode, string? output, string? errors) = await LinkAsync("alice", "admin");

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("Set GATEWAY_PAPERLESS_TOKEN to an API token of a superuser.", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_accounts_command_reports_invalid_settings_as_the_startup_does()
    {
        _world.Options.Settings["GATEWAY_PAPERLESS_TOKEN"] = null;

        (int exitCode, string? output, string? errors) = await RunAsync("list", "--json");

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("GATEWAY_PAPERLESS_TOKEN: is not set", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_characters_in_a_persons_name_are_not_printed_to_the_terminal()
    {
        string subject = "a\u001b[2Jb\u202ec\nd";

        (int ExitCode, string Output, string Errors) link = await RunAsync("link", "--issuer", Issuer, "--subject", subject, "--user", "admin");
        (int ExitCode, string Output, string Errors) list = await RunAsync("list");

        Assert.Equal(0, link.ExitCode);
        Assert.All([link.Output, link.Errors, list.Output], text => Assert.DoesNotContain('\u001b', text));
        Assert.Contains("a\uFFFD[2Jb\uFFFDc\uFFFDd", list.Output, StringComparison.Ordinal);
        Assert.Equal(2, Lines(list.Output).Length);
    }

    private Task<(int ExitCode, string Output, string Errors)> LinkAsync(string person, string user) =>
        RunAsync("link", "--issuer", Issuer, "--subject", SubjectOf(person), "--user", user);

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] words)
        => ProgramProcess.RunAsync("Gateway", ["accounts", .. words], _world.Settings());

    private int IdOf(string user) => _world.Paperless.Data.FindUser(user)!.Id;

    private static string SubjectOf(string person) => Person.Defaults.Single(one => one.Username == person).Subject;

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
