using Gateway.Operations;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

[Needs(RealPart.Process)]
public sealed class CommandLineTests
{
    [Fact]
    public async Task Health_asks_the_running_gateway_and_reports_by_its_exit_code()
    {
        await using World world = await World.StartAsync();
        Dictionary<string, string?> environment = new() { ["GATEWAY_MANAGEMENT_URL"] = world.Gateway.Management.AbsoluteUri };

        Assert.Equal((0, "ok", ""), await ProgramProcess.RunAsync("Gateway", ["health"], environment));
        (int ExitCode, string Output, string Errors) ready = await ProgramProcess.RunAsync("Gateway", ["health", "ready"], environment);
        Assert.Equal(0, ready.ExitCode);
        Assert.StartsWith("""{"status":"ready",""", ready.Output, StringComparison.Ordinal);

        using Fault away = world.Paperless.Faults.Drop(_ => true);
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        (int ExitCode, string Output, string Errors) unready = await ProgramProcess.RunAsync("Gateway", ["health", "ready"], environment);
        Assert.Equal(1, unready.ExitCode);
        Assert.StartsWith("""{"status":"unready",""", unready.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_reaches_a_gateway_that_listens_on_every_address()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MANAGEMENT_URL"] = "http://+:0");

        (int exitCode, string? output, string _) = await ProgramProcess.RunAsync("Gateway", ["health"], new Dictionary<string, string?>
        {
            ["GATEWAY_MANAGEMENT_URL"] = $"http://+:{world.Gateway.Management.Port}",
        });

        Assert.Equal((0, "ok"), (exitCode, output));
    }

    [Fact]
    public async Task Health_without_a_running_gateway_fails_and_names_the_address()
    {
        int port = World.FreePort();

        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", ["health"], new Dictionary<string, string?>
        {
            ["GATEWAY_MANAGEMENT_URL"] = $"http://127.0.0.1:{port}",
        });

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains($"http://127.0.0.1:{port}/health/live does not answer.", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_accepts_a_valid_configuration_without_serving()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);

        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", ["validate"], world.Settings());

        Assert.Equal((0, ""), (exitCode, errors.Trim()));
        Assert.StartsWith("The configuration is good: " + world.Origin, output, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Provider.Options.ClientSecret, output, StringComparison.Ordinal);
        Assert.Empty(world.Provider.Received);
    }

    [Fact]
    public async Task Validate_lists_every_problem_and_shows_no_secret()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = world.Settings();
        settings["PAPERLESS_URL"] = "localhost";
        settings["GATEWAY_SESSION_IDLE"] = "soon";
        settings["GATEWAY_UPSTREM_URL"] = "http://localhost";

        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", ["validate"], settings);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.All(
            ["PAPERLESS_URL", "GATEWAY_SESSION_IDLE", "Did you mean GATEWAY_UPSTREAM_URL?"],
            part => Assert.Contains(part, errors, StringComparison.Ordinal));
        Assert.DoesNotContain(world.Provider.Options.ClientSecret, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_settings_command_works_without_a_configuration()
    {
        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", ["settings"]);

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.StartsWith("## ", output, StringComparison.Ordinal);
        Assert.Contains("| `GATEWAY_DATA_DIR` | `data` |", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("health", "live", "now")]
    public async Task An_unknown_command_line_word_shows_the_usage(params string[] words)
    {
        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", words);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains("Usage:", errors, StringComparison.Ordinal);
        Assert.Contains(words[^1], errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("health", "ready")]
    [InlineData("validate", "configuration")]
    public async Task The_help_calls_each_argument_by_one_name(string command, string argument)
    {
        (int exitCode, string? output, string _) = await ProgramProcess.RunAsync("Gateway", [command, "--help"]);

        string[] lines = [.. output.Split('\n').Select(line => line.Trim())];
        Assert.Equal(0, exitCode);
        Assert.Contains(lines, line => line.StartsWith($"Gateway {command} [<{argument}>", StringComparison.Ordinal));
        Assert.StartsWith($"<{argument}>", lines[Array.IndexOf(lines, "Arguments:") + 1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "Usage:")]
    [InlineData("accounts link --help", "--subject <SUBJECT>")]
    [InlineData("--version", "0.")]
    [InlineData("[suggest:4] acco", "accounts")]
    public async Task Help_version_and_completion_need_no_settings(string line, string expected)
    {
        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", line.Split(' '));

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task The_gateway_reports_a_busy_port_in_one_sentence(bool publicly, bool management)
    {
        await using World world = await World.StartAsync();
        Uri managed = world.Gateway.Services.GetRequiredService<ManagementServer>().Address!;
        Dictionary<string, string?> settings = world.Settings();
        settings["GATEWAY_DATA_DIR"] = Path.Combine(world.DataDirectory, "another");
        settings["ASPNETCORE_URLS"] = publicly ? world.Origin : "http://127.0.0.1:0";
        settings["GATEWAY_MANAGEMENT_URL"] = management ? managed.GetLeftPart(UriPartial.Authority) : "http://127.0.0.1:0";

        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", [], settings);

        Assert.Equal(1, exitCode);
        Assert.StartsWith("The gateway does not start: ", errors, StringComparison.Ordinal);
        Assert.Equal(publicly, errors.Contains($":{world.Port}", StringComparison.Ordinal));
        Assert.Equal(management, errors.Contains($":{managed.Port}", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", errors + output, StringComparison.Ordinal);
    }
}
