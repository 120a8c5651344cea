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
        Assert.True(File.Exists(Path.Combine(_directory, "nginx.conf")));
    }

    [Fact]
    public async Task Force_keeps_the_secrets_that_a_provider_and_a_Paperless_know_already()
    {
        Assert.Equal(0, await RunAsync());
        string[] before = [Text("gateway.env"), Text("paperless.env"), Text("authentik-blueprint.yaml")];

        Assert.Equal(0, await RunAsync(force: true));
        Assert.Equal<string[]>(before, [Text("gateway.env"), Text("paperless.env"), Text("authentik-blueprint.yaml")]);

        Assert.Equal(0, await RunAsync(force: true, newSecrets: true));
        Assert.DoesNotContain(Secret(before[0]), Text("gateway.env"), StringComparison.Ordinal);
        Assert.Contains(Secret(Text("gateway.env")), Text("authentik-blueprint.yaml"), StringComparison.Ordinal);
        Assert.NotEqual(before[1], Text("paperless.env"));
    }

    [Fact]
    public async Task Force_keeps_what_the_operator_wrote_into_the_places()
    {
        Assert.Equal(0, await RunAsync(provider: "other", isExisting: true));
        string filled = Text("gateway.env").Replace("<client secret>", "Ab+/=9", StringComparison.Ordinal)
            .Replace("<api token of admin>", "0123456789abcdef", StringComparison.Ordinal)
            .Replace("\"client_id\":\"paperless\"", "\"client_id\":\"docs-7\"", StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(_directory, "gateway.env"), filled, World.Ct);

        Assert.Equal(0, await RunAsync(force: true, provider: "other", isExisting: true));

        Assert.Equal(filled, Text("gateway.env"));
    }

    [Theory]
    [InlineData("https://docs.home", "listen 443 ssl http2;")]
    [InlineData("https://docs.home:8443", "listen 8443 ssl http2;")]
    [InlineData("http://docs.home", "listen 80;")]
    [InlineData("http://docs.home:8080", "listen 8080;")]
    public async Task The_lines_for_nginx_listen_at_the_port_and_with_the_scheme_of_the_public_address(string publicUrl, string listen)
    {
        Assert.Equal(0, await RunAsync(publicUrl: publicUrl));

        Assert.Contains($"{{\n    {listen}\n    server_name docs.home;\n", Text("nginx.conf"), StringComparison.Ordinal);
        Assert.Equal(publicUrl.StartsWith("https", StringComparison.Ordinal), Text("nginx.conf").Contains("ssl_certificate ", StringComparison.Ordinal));
    }

    [Fact]
    [Needs(RealPart.Process)]
    public async Task An_existing_Paperless_and_another_provider_leave_places_for_what_only_the_operator_has()
    {
        (int exitCode, string output, string errors) = await ProgramProcess.RunAsync(
            "Gateway",
            ["setup", "--public-url", "https://docs.home", "--provider", "other", "--provider-url", "https://id.home", "--paperless-url",
                "http://127.0.0.1:1", "--admin", "admin", "--existing", "--output", _directory]);

        Assert.True(exitCode == 0, errors);
        foreach (string path in (string[])["oidc/authentik/login/callback/", "login/?loggedout=1", "oidc/authentik/logout/backchannel/"])
        {
            Assert.Contains($"https://docs.home/accounts/{path}", output, StringComparison.Ordinal);
        }

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
        SetupArguments arguments = new(
            publicUrl,
            "authentik",
            providerUrl,
            "http://paperless:8000",
            admin,
            IsExisting: false,
            _directory,
            Force: false,
            NewSecrets: false,
            AuthentikToken.None);

        Assert.Equal(Terminal.BadUsage, await new SetupCommand(ask: null, _ => Task.FromResult(0)).RunAsync(arguments, World.Ct));
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
        SetupArguments arguments = new(null, null, null, null, null, IsExisting: false, _directory, Force: false, NewSecrets: false, AuthentikToken.None);
        SetupQuestions questions = new((question, preset) => answers.GetValueOrDefault(question, preset), _ => "");

        int exitCode = await new SetupCommand(questions, _ => Task.FromResult(0)).RunAsync(arguments, World.Ct);

        Assert.Equal(0, exitCode);
        Assert.Equal("http://paperless:8000", Variables("gateway.env")["GATEWAY_UPSTREAM_URL"]);
    }

    [Fact]
    public async Task The_recipe_and_the_blueprint_are_those_of_the_documents()
    {
        Assert.Equal(0, await RunAsync());

        string documented = Text("nginx.conf").Replace("docs.home", "docs.example.com", StringComparison.Ordinal);
        Assert.Contains($"```nginx\n{documented}```", Shipped.Text("docs/reverse-proxies.md"), StringComparison.Ordinal);
        Assert.Equal(Shipped.Text("config/authentik/paperless-gateway.yaml"), Shipped.Text("src/Gateway/Operations/authentik-blueprint.yaml"));
    }

    private Task<int> RunAsync(
        bool force = false, bool newSecrets = false, string provider = "authentik", bool isExisting = false, string publicUrl = "https://docs.home") =>
        new SetupCommand(ask: null, _ => Task.FromResult(0)).RunAsync(
            new SetupArguments(
                publicUrl,
                provider,
                "https://auth.home",
                "http://paperless:8000",
                "admin",
                isExisting,
                _directory,
                force,
                newSecrets,
                AuthentikToken.None),
            World.Ct);

    private static string Secret(string environment) => environment.Split("\"secret\":\"")[1].Split('"')[0];

    private string Text(string name) => File.ReadAllText(Path.Combine(_directory, name));

    private Dictionary<string, string?> Variables(string name) => Text(name).Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(line => line.Split('=')[0], line => (string?)line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]);
}
