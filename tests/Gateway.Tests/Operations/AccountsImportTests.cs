using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
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

    [Fact]
    public async Task A_manifest_of_the_document_exporter_imports_its_links_and_nothing_else()
    {
        await System.IO.File.WriteAllTextAsync(File, Manifest("admin", "alice"), World.Ct);

        Assert.Equal((0, "1 links imported; 0 were there already; 0 left out."), Result(await RunAsync(File)));
        using Visitor alice = await _world.SignedInAsync("alice");
        Assert.Equal("admin", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_manifest_of_another_Paperless_gives_nobody_the_account_that_has_the_number_here()
    {
        string joined = _world.Paperless.Data.FindUser("admin")!.Joined.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string manifest = Manifest("admin", "alice").Replace($"\"date_joined\": \"{joined}", "\"date_joined\": \"2001-01-01", StringComparison.Ordinal);
        await System.IO.File.WriteAllTextAsync(File, manifest, World.Ct);

        (int exitCode, _, string errors) = await RunAsync(File);

        Assert.Equal(1, exitCode);
        Assert.Contains("of this Paperless is another one: admin joined at another time than the export says", errors, StringComparison.Ordinal);
        Assert.Empty(_world.Links());
    }

    [Fact]
    public async Task Links_that_Paperless_made_by_another_claim_or_with_an_older_allauth_keep_their_subject()
    {
        string issuer = _world.Provider.Issuer.AbsoluteUri;
        string subject = _world.Provider.Find("alice")!.Subject;
        JsonObject byName = Row("admin", "alice");
        byName["fields"]!["uid"] = "alice";
        byName["fields"]!["extra_data"] = new JsonObject
        {
            ["userinfo"] = new JsonObject { ["sub"] = subject, ["preferred_username"] = "alice" },
            ["id_token"] = new JsonObject { ["iss"] = issuer, ["sub"] = subject },
        };
        JsonObject flat = Row("bob", "bob");
        flat["fields"]!["extra_data"] = new JsonObject { ["sub"] = _world.Provider.Find("bob")!.Subject, ["email"] = "bob@example.com" };

        Assert.Equal((0, "2 links imported; 0 were there already; 0 left out."), Result(await ImportAsync(byName, flat)));
        using Visitor alice = await _world.SignedInAsync("alice");
        Assert.Equal("admin", await alice.WhoAsync());
        Assert.Contains(_world.Links(), link => link.Subject == _world.Provider.Find("bob")!.Subject);
    }

    [Theory]
    [InlineData("""[{"model": "documents.document", "pk": 1, "fields": {}}, {"model": "documents.note", "pk": 1, "fields": {}}]""", "it holds no")]
    [InlineData("{}", "it is no JSON list")]
    [InlineData("no JSON", "it is no JSON list")]
    [InlineData("""[{"model": "auth.user", "fields": {}}]""", "it holds no socialaccount.socialaccount")]
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

    /// <summary>
    /// As `document_exporter --split-manifest --passphrase …` writes manifest.json: one record after the other in the order of the models, with the tokens
    /// encrypted, and the documents in files of their own.
    /// </summary>
    private string Manifest(string user, string person)
    {
        StandInUser account = _world.Paperless.Data.FindUser(user)!;
        string joined = account.Joined.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        string subject = _world.Provider.Find(person)!.Subject;
        return $$"""
            [{
              "model": "documents.tag",
              "pk": 1,
              "fields": { "name": "Inbox", "color": "#a6cee3", "match": "", "is_inbox_tag": true, "owner": null }
            },
            {
              "model": "auth.user",
              "pk": {{account.Id}},
              "fields": {
                "password": "pbkdf2_sha256$1000000$x$y", "last_login": "2026-01-02T03:04:05.678Z", "is_superuser": true, "username": "{{user}}",
                "first_name": "", "last_name": "", "email": "", "is_staff": true, "is_active": true, "date_joined": "{{joined}}",
                "groups": [], "user_permissions": []
              }
            },
            {
              "model": "contenttypes.contenttype",
              "pk": 1,
              "fields": { "app_label": "socialaccount", "model": "socialaccount" }
            },
            {
              "model": "socialaccount.socialaccount",
              "pk": 1,
              "fields": {
                "user": {{account.Id}},
                "provider": "authentik",
                "uid": "{{subject}}",
                "last_login": "2026-01-02T03:04:05.678Z",
                "date_joined": "2026-01-02T03:04:05.678Z",
                "extra_data": {
                  "userinfo": { "sub": "{{subject}}", "email": "a@example.com", "email_verified": false, "groups": ["paperless-users"] },
                  "id_token": { "iss": "{{_world.Provider.Issuer}}", "sub": "{{subject}}", "aud": "paperless", "exp": 1767323345, "iat": 1767323045 }
                }
              }
            },
            {
              "model": "socialaccount.socialtoken",
              "pk": 1,
              "fields": { "app": null, "account": 1, "token": "674141414141", "token_secret": "674141414142", "expires_at": "2026-01-02T04:04:05.678Z" }
            }
            ]
            """;
    }

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
