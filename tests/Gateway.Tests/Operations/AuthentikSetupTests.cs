using System.Text.Json.Nodes;
using Gateway.Operations;
using Gateway.StandIns.Authentik;
using Gateway.Tests.Kit;
using Gateway.Tests.Shipping;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Operations;

/// <summary>`setup` with an API token of authentik: it makes there what the blueprint makes, and overwrites nothing without `--force`.</summary>
[Needs(RealPart.Process)]
public sealed class AuthentikSetupTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-authentik").FullName;

    private StandInAuthentik _authentik = null!;

    public async ValueTask InitializeAsync() => _authentik = await StandInAuthentik.StartAsync(World.Ct);

    public async ValueTask DisposeAsync()
    {
        await _authentik.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Setup_makes_group_provider_application_and_binding_and_says_so_line_by_line()
    {
        (int exitCode, string output, string errors) = await RunAsync();

        Assert.True(exitCode == 0, errors);
        string[] lines = [.. output.Split('\n').Where(line => line.StartsWith("authentik: ", StringComparison.Ordinal))];
        Assert.Collection(
            lines,
            line => Assert.Equal("authentik: made the group paperless-users", line),
            line => Assert.StartsWith("authentik: made the provider \"Paperless Gateway\" (client ID paperless)", line, StringComparison.Ordinal),
            line => Assert.Equal("authentik: made the application Paperless (paperless)", line),
            line => Assert.StartsWith("authentik: bound paperless-users to the application paperless:", line, StringComparison.Ordinal),
            line => Assert.StartsWith("authentik: made the provider and the application \"Paperless Apps\" (paperless-app)", line, StringComparison.Ordinal),
            line => Assert.StartsWith("authentik: bound paperless-users to the application paperless-app:", line, StringComparison.Ordinal));
        Assert.Contains("1. Put people into the group paperless-users", output, StringComparison.Ordinal);
        Assert.DoesNotContain(StandInAuthentik.AdminToken, output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret(), output + errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_setup_makes_is_what_the_blueprint_makes()
    {
        Assert.Equal(0, (await RunAsync()).ExitCode);

        string group = Assert.Single(_authentik.Groups)["pk"]!.ToString();
        Assert.Equal(2, _authentik.Providers.Count);
        foreach ((string providerName, string slug, string name, string launch) in new[]
        {
            ("Paperless Gateway", "paperless", "Paperless", "https://docs.home"), ("Paperless Apps", "paperless-app", "Paperless Apps", "blank://blank"),
        })
        {
            JsonObject provider = _authentik.Providers.Single(one => one["name"]!.ToString() == providerName);
            JsonObject application = _authentik.Applications.Single(one => one["slug"]!.ToString() == slug);
            foreach ((YamlNode attribute, YamlNode value) in Attributes(providerName))
            {
                Assert.Equal((attribute.ToString(), Plain(value)), (attribute.ToString(), Plain(provider[attribute.ToString()]!)));
            }

            Assert.Equal((provider["pk"]!.ToString(), name, launch), Texts(application, "provider", "name", "meta_launch_url"));
            JsonObject binding = _authentik.Bindings.Single(one => one["target"]!.ToString() == application["pk"]!.ToString());
            Assert.Equal(group, binding["group"]!.ToString());
        }
    }

    [Fact]
    public async Task Nothing_at_authentik_is_overwritten_without_force_and_no_file_is_written()
    {
        Assert.Equal(0, (await RunAsync()).ExitCode);
        Directory.Delete(_directory, recursive: true);
        Directory.CreateDirectory(_directory);
        _authentik.Writes.Clear();

        (int exitCode, _, string errors) = await RunAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains("authentik has the application paperless and the provider \"Paperless Gateway\" (client ID paperless) already", errors,
            StringComparison.Ordinal);
        Assert.Empty(_authentik.Writes);
        Assert.Empty(Directory.EnumerateFiles(_directory));
    }

    [Fact]
    public async Task Force_takes_over_the_client_that_authentik_has_and_keeps_its_name_its_secret_and_its_bindings()
    {
        _authentik.Providers.Add(StandInAuthentik.Row(
            ("pk", 41), ("name", "Provider for Paperless"), ("client_id", "docs-7"), ("client_secret", "known-already"), ("redirect_uris", new JsonArray())));
        _authentik.Applications.Add(StandInAuthentik.Row(("pk", "app"), ("name", "Documents"), ("slug", "paperless"), ("provider", 41)));
        _authentik.Bindings.Add(StandInAuthentik.Row(("pk", "b"), ("target", "app"), ("group", "family"), ("order", 0)));

        (int exitCode, string output, string errors) = await RunAsync("--force");

        Assert.True(exitCode == 0, errors);
        JsonObject provider = _authentik.Providers[0];
        Assert.Equal(("Provider for Paperless", "docs-7", "known-already"), Texts(provider, "name", "client_id", "client_secret"));
        Assert.Equal(2, provider["redirect_uris"]!.AsArray().Count);
        Assert.Equal("Documents", _authentik.Applications[0]["name"]!.ToString());
        Assert.Equal("family", _authentik.Bindings.Single(binding => binding["target"]!.ToString() == "app")["group"]!.ToString());
        Assert.Equal("known-already", Secret());
        Assert.Contains("Kept the client ID and the client secret that authentik has", output, StringComparison.Ordinal);
        Assert.Contains("authentik: changed the provider \"Provider for Paperless\"", output, StringComparison.Ordinal);
        Assert.Contains("other bindings, which stay", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_may_stand_in_a_file()
    {
        string file = Path.Combine(_directory, "token");
        await File.WriteAllTextAsync(file, StandInAuthentik.AdminToken + "\n", World.Ct);

        (int exitCode, _, string errors) = await RunAsync(["--authentik-token-file", file], token: null);

        Assert.True(exitCode == 0, errors);
        Assert.Equal(2, _authentik.Applications.Count);
    }

    [Theory]
    [InlineData(null, "There is no API token of authentik: set AUTHENTIK_TOKEN, or give --authentik-token-file.", 2)]
    [InlineData("wrong", "answered 403: Token invalid/expired. authentik does not know this token.", 1)]
    [InlineData(StandInAuthentik.OrdinaryToken, "answered 403: You do not have permission to perform this action. The token's user lacks the permission.", 1)]
    public async Task A_token_that_does_not_do_writes_nothing_and_names_address_status_and_remedy(string? token, string says, int expected)
    {
        (int exitCode, _, string errors) = await RunAsync([], token);

        Assert.Equal(expected, exitCode);
        Assert.Contains(says, errors, StringComparison.Ordinal);
        Assert.Equal(expected == 1, errors.Contains($"GET {_authentik.Address}api/v3/core/applications/paperless/", StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateFiles(_directory));
    }

    [Fact]
    public async Task A_refused_value_is_named_and_so_is_what_is_done_already()
    {
        // The number that the provider will get.
        _authentik.Applications.Add(StandInAuthentik.Row(("pk", "x"), ("name", "X"), ("slug", "x"), ("provider", 1)));

        (int exitCode, string output, string errors) = await RunAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains("authentik: made the provider", output, StringComparison.Ordinal);
        Assert.Contains("core/applications/ answered 400: provider: This field must be unique", errors, StringComparison.Ordinal);
        Assert.Contains("Then run setup again, with --force: it keeps the secrets.", errors, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_directory, "gateway.env")));
    }

    [Fact]
    public async Task A_provider_of_another_type_and_one_of_another_application_are_left_alone()
    {
        _authentik.Applications.Add(StandInAuthentik.Row(("pk", "app"), ("name", "Paperless"), ("slug", "paperless"), ("provider", 5)));
        Assert.Contains("is not of the type OAuth2/OpenID", (await RunAsync("--force")).Errors, StringComparison.Ordinal);

        _authentik.Applications[0]["slug"] = "wiki";
        _authentik.Providers.Add(StandInAuthentik.Row(("pk", 5), ("name", "Wiki"), ("client_id", "paperless")));
        Assert.Contains("belongs to the application wiki", (await RunAsync("--force")).Errors, StringComparison.Ordinal);
        Assert.Empty(_authentik.Writes);
    }

    [Fact]
    public async Task What_an_older_version_does_not_know_is_said()
    {
        _authentik.UnknownFields.UnionWith(["logout_uri", "logout_method"]);

        (_, string output, _) = await RunAsync();

        Assert.Contains("this version does not know logout_method, logout_uri", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_authentik_and_one_that_is_down_are_named()
    {
        await using StubSite other = await StubSite.StartAsync(http => http.Response.WriteAsync("<html>"));
        Assert.Contains("did not answer as authentik's API does", (await RunAsync([], providerUrl: other.Address)).Errors, StringComparison.Ordinal);

        await using StubSite moved = await StubSite.StartAsync(http =>
        {
            http.Response.Redirect("https://auth.home/");
            return Task.CompletedTask;
        });
        Assert.Contains("answered 302, a redirect to https://auth.home/", (await RunAsync([], providerUrl: moved.Address)).Errors, StringComparison.Ordinal);
        string errors = (await RunAsync([], providerUrl: new Uri("http://127.0.0.1:1"))).Errors;
        Assert.Contains("could not be asked: Connection refused", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task At_a_terminal_setup_asks_for_the_token()
    {
        SetupArguments arguments = new(
            "https://docs.home",
            "authentik",
            _authentik.Address.GetLeftPart(UriPartial.Authority),
            "http://paperless:8000",
            "admin",
            IsExisting: false,
            _directory,
            Force: false,
            NewSecrets: false,
            new AuthentikToken(IsWanted: true, File: null));

        int exitCode = await new SetupCommand(new SetupQuestions((_, preset) => preset, _ => StandInAuthentik.AdminToken), _ => Task.FromResult(0))
            .RunAsync(arguments, World.Ct);

        Assert.Equal(0, exitCode);
        Assert.Equal(2, _authentik.Bindings.Count);
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] more) => RunAsync(more, StandInAuthentik.AdminToken);

    private async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string[] more, string? token = StandInAuthentik.AdminToken, Uri? providerUrl = null)
    {
        string[] arguments =
        [
            "setup", "--public-url", "https://docs.home", "--provider", "authentik", "--provider-url",
            (providerUrl ?? _authentik.Address).GetLeftPart(UriPartial.Authority), "--paperless-url", "http://127.0.0.1:1", "--admin", "admin", "--output",
            _directory, .. more.Contains("--authentik-token-file") ? Array.Empty<string>() : ["--authentik-token"], .. more,
        ];
        return await ProgramProcess.RunAsync("Gateway", arguments, new Dictionary<string, string?> { [AuthentikToken.Variable] = token });
    }

    private string Secret() => File.ReadAllText(Path.Combine(_directory, "gateway.env")).Split("\"secret\":\"")[1].Split('"')[0];

    private static (string, string, string) Texts(JsonObject row, string first, string second, string third) =>
        (row[first]!.ToString(), row[second]!.ToString(), row[third]!.ToString());

    /// <summary>The attributes of the entry in the blueprint that setup has written.</summary>
    private YamlMappingNode Attributes(string provider) => (YamlMappingNode)((YamlSequenceNode)Shipped.Yaml(
        File.ReadAllText(Path.Combine(_directory, "authentik-blueprint.yaml")))["entries"])
        .Single(entry => entry["model"].ToString() == "authentik_providers_oauth2.oauth2provider" && entry["identifiers"]["name"].ToString() == provider)
        ["attrs"];

    /// <summary>A value of the blueprint as one line; a reference (`!Find [model, [field, value]]`) by its value.</summary>
    private static string Plain(YamlNode node) => node switch
    {
        YamlSequenceNode { Tag.IsEmpty: false } find => ((YamlSequenceNode)find[1])[1].ToString(),
        YamlSequenceNode all => string.Join(", ", all.Select(Plain)),
        YamlMappingNode map => string.Join(", ", map.Select(pair => $"{pair.Key}={Plain(pair.Value)}")),
        _ => node.ToString(),
    };

    /// <summary>The same of what authentik has; a reference by what the stand-in's key says of it.</summary>
    private string Plain(JsonNode node) => node switch
    {
        JsonArray all => string.Join(", ", all.Select(one => Plain(one!))),
        JsonObject map => string.Join(", ", map.Select(pair => $"{pair.Key}={Plain(pair.Value!)}")),
        _ => Named(node.ToString()),
    };

    private string Named(string text)
    {
        JsonObject? row = _authentik.Flows.Concat(_authentik.Keys).Concat(_authentik.Mappings).FirstOrDefault(one => one["pk"]!.ToString() == text);
        return (row?["slug"] ?? row?["managed"] ?? row?["name"])?.ToString() ?? text;
    }
}
