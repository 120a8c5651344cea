using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

/// <summary>`Gateway accounts import`, beside a running gateway, with what Paperless's `manage.py dumpdata` prints.</summary>
[Needs(RealPart.Process)]
public sealed class AccountsImportTests : IAsyncLifetime
{
    private World _world = null!;

    private string File => Path.Combine(_world.DataDirectory, "export.json");

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task An_exported_link_of_the_superuser_signs_in_as_the_superuser()
    {
        (int exitCode, string? output, string? errors) = await ImportAsync(Row("admin", "alice"), Row("bob", "bob"));

        Assert.Equal((0, "2 links imported; 0 were there already; 0 left out."), (exitCode, output));
        Assert.Contains("\"admin\" (user", errors, StringComparison.Ordinal);
        using Visitor alice = await _world.SignedInAsync("alice");
        Assert.Equal("admin", await alice.WhoAsync());
        Assert.Equal((0, "0 links imported; 2 were there already; 0 left out."), Result(await ImportAsync(Row("admin", "alice"), Row("bob", "bob"))));
    }

    [Fact]
    public async Task What_cannot_be_imported_is_named_and_existing_links_stay()
    {
        (await _world.SignedInAsync("alice")).Dispose();
        JsonObject gone = Row("bob", "bob");
        gone["fields"]!["user"] = 4711;
        JsonObject elsewhere = Row("bob", "bob");
        elsewhere["fields"]!["provider"] = "google";
        JsonObject issuer = Row("bob", "bob");
        issuer["fields"]!["extra_data"] = new JsonObject { ["id_token"] = new JsonObject { ["iss"] = "https://another.example/" } };

        (int exitCode, string? output, string? errors) = await ImportAsync(Row("admin", "alice"), gone, elsewhere, issuer);

        Assert.Equal((1, "0 links imported; 0 were there already; 4 left out."), (exitCode, output));
        Assert.Contains("that person is linked to user", errors, StringComparison.Ordinal);
        Assert.Contains("Paperless has no such user", errors, StringComparison.Ordinal);
        Assert.Contains("the settings have no provider google", errors, StringComparison.Ordinal);
        Assert.Contains("Paperless linked it at the issuer https://another.example/", errors, StringComparison.Ordinal);
        Assert.Equal("alice", Assert.Single(_world.Links()).Label);
    }

    [Theory]
    [InlineData("{}", "it is no JSON list")]
    [InlineData("no JSON", "it is no JSON")]
    [InlineData("""[{"model": "auth.user", "fields": {}}]""", "an entry is no socialaccount.socialaccount")]
    [InlineData("""[{"model": "socialaccount.socialaccount", "fields": {"user": "1", "provider": "authentik", "uid": "x"}}]""", "an entry is no")]
    [InlineData(null, "cannot be used")]
    public async Task Another_file_imports_nothing(string? text, string says)
    {
        if (text is not null)
        {
            await System.IO.File.WriteAllTextAsync(File, text, World.Ct);
        }

        (int exitCode, string? output, string? errors) = await RunAsync(File);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains(says, errors, StringComparison.Ordinal);
        Assert.Empty(_world.Links());
    }

    private static (int, string) Result((int ExitCode, string Output, string Errors) run) => (run.ExitCode, run.Output);

    private JsonObject Row(string user, string person) => new()
    {
        ["model"] = "socialaccount.socialaccount",
        ["pk"] = 1,
        ["fields"] = new JsonObject
        {
            ["user"] = _world.Paperless.Data.FindUser(user)!.Id,
            ["provider"] = "authentik",
            ["uid"] = _world.Provider.Find(person)!.Subject,
            ["last_login"] = "2026-01-01T00:00:00Z",
            ["date_joined"] = "2026-01-01T00:00:00Z",
            ["extra_data"] = new JsonObject { ["id_token"] = new JsonObject { ["iss"] = _world.Provider.Issuer.AbsoluteUri } },
        },
    };

    private async Task<(int ExitCode, string Output, string Errors)> ImportAsync(params JsonObject[] rows)
    {
        await System.IO.File.WriteAllTextAsync(File, JsonSerializer.Serialize(rows), World.Ct);
        return await RunAsync(File);
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string file)
        => ProgramProcess.RunAsync("Gateway", ["accounts", "import", file], _world.Settings());
}
