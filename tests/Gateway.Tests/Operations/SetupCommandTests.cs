using Gateway.Operations;
using Gateway.Tests.Kit;
using Gateway.Tests.Settings;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Operations;

/// <summary>The command `setup`: the files that it writes are good settings, and nothing existing is overwritten.</summary>
public sealed class SetupCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-setup").FullName;

    private string[] Arguments =>
    [
        "setup", "--public-url", "https://docs.home", "--provider", "authentik", "--provider-url", "https://auth.home", "--paperless-url",
        "http://127.0.0.1:1", "--admin", "admin", "--output", _directory,
    ];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    [Needs(RealPart.Process)]
    public async Task Setup_writes_settings_with_which_the_gateway_starts_and_then_checks_them()
    {
        (int exitCode, string output, string errors) = await ProgramProcess.RunAsync("Gateway", Arguments);

        Assert.True(exitCode == 0, errors);
        Reading reading = GivenEnvironment.ReadOnly(Variables("gateway.env"));
        Assert.Empty(reading.Warnings);
        Assert.Equal("https://docs.home", reading.Good.Public.Origin);
        Assert.Equal(
            "https://auth.home/application/o/paperless/.well-known/openid-configuration",
            Assert.Single(reading.Good.Providers).DiscoveryUrl.AbsoluteUri);
        Assert.Contains("✘ authentik: discovery", output, StringComparison.Ordinal);
        Assert.Contains("Next:", output, StringComparison.Ordinal);
        Assert.DoesNotContain(reading.Good.Providers[0].ClientSecret, output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain(reading.Good.Accounts.Credential.Password!, output + errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_files_have_the_same_secrets_where_they_must_and_are_private()
    {
        Assert.Equal(0, await RunAsync());

        Dictionary<string, string?> gateway = Variables("gateway.env");
        Dictionary<string, string?> paperless = Variables("paperless.env");
        string secret = Assert.Single(GivenEnvironment.ReadOnly(gateway).Good.Providers).ClientSecret;
        string blueprint = Text("authentik-blueprint.yaml");
        Assert.Equal(64, secret.Length);
        Assert.Equal(gateway["PAPERLESS_ADMIN_PASSWORD"], paperless["PAPERLESS_ADMIN_PASSWORD"]);
        Assert.NotEqual(secret, paperless["PAPERLESS_SECRET_KEY"]);
        Assert.Contains($"client_secret: \"{secret}\"", blueprint, StringComparison.Ordinal);
        Assert.Contains("url: \"https://docs.home/accounts/oidc/authentik/login/callback/\"", blueprint, StringComparison.Ordinal);
        Assert.DoesNotContain("!Env", blueprint, StringComparison.Ordinal);
        Assert.All(
            ["gateway.env", "paperless.env", "authentik-blueprint.yaml"],
            name => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(Path.Combine(_directory, name)).UnixFileMode));
        Shipped.Yaml(Text("compose.gateway.yaml"));
    }

    [Fact]
    public async Task Nothing_existing_is_overwritten_without_force()
    {
        Assert.Equal(0, await RunAsync());
        string before = Text("gateway.env");
        File.Delete(Path.Combine(_directory, "nginx.conf"));

        Assert.Equal(Terminal.Failure, await RunAsync());
        Assert.Equal(before, Text("gateway.env"));
        Assert.False(File.Exists(Path.Combine(_directory, "nginx.conf")));

        Assert.Equal(0, await RunAsync(force: true));
        Assert.NotEqual(before, Text("gateway.env"));
    }

    [Fact]
    public async Task An_existing_Paperless_and_another_provider_leave_places_for_what_only_the_operator_has()
    {
        Assert.Equal(0, await RunAsync(provider: "other", isExisting: true));

        Reading reading = GivenEnvironment.ReadOnly(Variables("gateway.env"));
        Assert.Equal(
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS", "GATEWAY_PAPERLESS_TOKEN"],
            reading.Problems.Where(problem => problem.Wrong.Contains("placeholder", StringComparison.Ordinal)).Select(problem => problem.Variable));
        Assert.False(File.Exists(Path.Combine(_directory, "authentik-blueprint.yaml")));
        Assert.DoesNotContain("PAPERLESS_ADMIN_PASSWORD", Text("paperless.env"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("docs.home", "https://auth.home", "admin")]
    [InlineData("https://docs.home/paperless", "https://auth.home", "admin")]
    [InlineData("https://docs.home", "https://auth.home/application/o/paperless/", "admin")]
    [InlineData("https://docs.home", "https://auth.home", "$admin")]
    public async Task Answers_that_cannot_be_right_write_nothing(string publicUrl, string providerUrl, string admin)
    {
        SetupArguments arguments = new(publicUrl, "authentik", providerUrl, "http://paperless:8000", admin, IsExisting: false, _directory, Force: false);

        Assert.Equal(Terminal.BadUsage, await new SetupCommand(ask: null, _ => Task.FromResult(0)).RunAsync(arguments));
        Assert.Empty(Directory.EnumerateFiles(_directory));
    }

    [Fact]
    public async Task On_a_terminal_setup_asks_for_what_is_left_out()
    {
        Dictionary<string, string> answers = new()
        {
            ["The address that people type for Paperless"] = "https://docs.home",
            ["authentik's address"] = "https://auth.home",
        };
        SetupArguments arguments = new(null, null, null, null, null, IsExisting: false, _directory, Force: false);

        int exitCode = await new SetupCommand((question, preset) => answers.GetValueOrDefault(question, preset), _ => Task.FromResult(0)).RunAsync(arguments);

        Assert.Equal(0, exitCode);
        Assert.Equal("http://paperless:8000", Variables("gateway.env")["GATEWAY_UPSTREAM_URL"]);
    }

    [Fact]
    public async Task The_recipe_and_the_blueprint_are_those_of_the_documents()
    {
        Assert.Equal(0, await RunAsync());

        string documented = Text("nginx.conf").Replace("docs.home", "docs.example.com", StringComparison.Ordinal);
        Assert.Contains($"```nginx\n{documented}```", Shipped.Text("docs/installation.md"), StringComparison.Ordinal);
        Assert.Equal(Shipped.Text("config/authentik/paperless-gateway.yaml"), Shipped.Text("src/Gateway/Operations/authentik-blueprint.yaml"));
    }

    private Task<int> RunAsync(bool force = false, string provider = "authentik", bool isExisting = false) =>
        new SetupCommand(ask: null, _ => Task.FromResult(0)).RunAsync(new SetupArguments(
            "https://docs.home", provider, "https://auth.home", "http://paperless:8000", "admin", isExisting, _directory, force));

    private string Text(string name) => File.ReadAllText(Path.Combine(_directory, name));

    private Dictionary<string, string?> Variables(string name) => Text(name).Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(line => line.Split('=')[0], line => (string?)line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]);
}
