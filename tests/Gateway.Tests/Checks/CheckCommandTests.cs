using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Checks;

/// <summary>The command `check` as a process.</summary>
[Needs(RealPart.Process)]
public sealed class CheckCommandTests
{
    [Fact]
    public async Task A_right_configuration_exits_with_0_or_2_and_prints_the_addresses_to_register()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);

        (int exitCode, string output, string errors) = await ProgramProcess.RunAsync("Gateway", ["check"], world.Settings());

        Assert.True(exitCode is 0 or 2, output);
        Assert.Equal("", errors);
        Assert.DoesNotContain("✘", output, StringComparison.Ordinal);
        Assert.Contains($"  Redirect URI            {world.Origin}/accounts/oidc/authentik/login/callback/", output, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Provider.Options.ClientSecret, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_faults_are_all_named_and_exit_with_1()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = world.Settings();
        JsonObject app = ProvidersSetting.Of(world.Provider);
        app["secret"] = "not the secret";
        settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
        settings["GATEWAY_PAPERLESS_TOKEN"] = new string('0', 40);

        (int exitCode, string output, string _) = await ProgramProcess.RunAsync("Gateway", ["check", "--json"], settings);

        Assert.Equal(1, exitCode);
        JsonNode report = JsonNode.Parse(output)!;
        Assert.Equal("Problem", (string?)report["result"]);
        Assert.Equal(2, report["findings"]!.AsArray().Count(finding => (string?)finding!["level"] == "Problem"));
        Assert.DoesNotContain("not the secret", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_with_which_the_gateway_would_not_start_is_a_list_of_problems()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = world.Settings();
        settings["PAPERLESS_URL"] = "localhost";
        settings["GATEWAY_SESSION_IDLE"] = "soon";

        (int exitCode, string output, string _) = await ProgramProcess.RunAsync("Gateway", ["check"], settings);

        Assert.Equal(1, exitCode);
        Assert.Equal(2, output.Split('\n').Count(line => line.StartsWith("✘ settings: ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task With_wait_the_checks_are_repeated_until_nothing_is_wrong()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Fault starting = world.Paperless.Faults.Answer(_ => true, 502);
        Task<(int ExitCode, string Output, string Errors)> check = ProgramProcess.RunAsync("Gateway", ["check", "--wait", "60s"], world.Settings());
        await Wait.UntilAsync(() => starting.Hits > 2, "The check asks Paperless, and asks again.");
        Assert.False(check.IsCompleted);

        starting.Release();
        (int exitCode, string output, string _) = await check;

        Assert.True(exitCode is 0 or 2, output);
    }

    [Fact]
    public async Task With_wait_a_fault_that_stays_exits_with_1_in_the_end()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = world.Settings();
        settings["GATEWAY_PAPERLESS_TOKEN"] = new string('0', 40);

        (int exitCode, string output, string _) = await ProgramProcess.RunAsync("Gateway", ["check", "--wait", "3s"], settings);

        Assert.Equal(1, exitCode);
        Assert.Contains("API token", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_configuration_of_the_sandbox_is_good_beside_the_running_sandbox()
    {
        int[] ports = [World.FreePort(), World.FreePort(), World.FreePort(), World.FreePort()];
        await using ProgramProcess sandbox = ProgramProcess.Start(
            "Gateway.Sandbox",
            ["--gateway", $"{ports[0]}", "--provider", $"{ports[1]}", "--paperless", $"{ports[2]}", "--management", $"{ports[3]}"]);
        await sandbox.LineAsync(line => line.Contains("Ctrl+C stops all three", StringComparison.Ordinal));
        JsonObject app = ProvidersSetting.Of(
            new Uri($"http://127.0.0.1:{ports[1]}/application/o/paperless/"),
            "authentik",
            new DevelopmentProviderOptions().ClientId,
            new DevelopmentProviderOptions().ClientSecret);
        Dictionary<string, string?> settings = new()
        {
            ["PAPERLESS_URL"] = $"http://localhost:{ports[0]}",
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_ADMIN_USER"] = "admin",
            ["PAPERLESS_ADMIN_PASSWORD"] = "admin",
            ["GATEWAY_UPSTREAM_URL"] = $"http://127.0.0.1:{ports[2]}",
            ["GATEWAY_MANAGEMENT_URL"] = $"http://127.0.0.1:{ports[3]}",
            ["GATEWAY_DATA_DIR"] = Path.Combine(Path.GetTempPath(), $"gateway-check-{ports[0]}"),
            [ProvidersSetting.Variable] = ProvidersSetting.Json(app),
        };

        (int exitCode, string output, string _) = await ProgramProcess.RunAsync("Gateway", ["check"], settings);

        Assert.True(exitCode == 0, output);
        Assert.Contains("requests arrive at this gateway, with the right host", output, StringComparison.Ordinal);
        Assert.Contains("WebSockets: they are passed on", output, StringComparison.Ordinal);
        await sandbox.SignalAsync("INT");
        Assert.Equal(0, await sandbox.ExitAsync());
    }

    [Fact]
    public async Task Who_becomes_which_user_is_said_for_each_user_of_Paperless()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddUser("Bob");
        world.Paperless.Data.AddUser("gone", user => user with { IsActive = false });
        (await world.SignedInAsync("alice")).Dispose();

        (int exitCode, string output, string _) = await ProgramProcess.RunAsync("Gateway", ["check", "--accounts"], world.Settings());

        Assert.Equal(2, exitCode);
        Assert.All(
            [
                "✔ user alice: linked to alice at authentik", "! user Bob: differs from the user bob in letter case only",
                "✔ user gone: switched off", "! user admin: a superuser, so no sign-in finds it by its name",
                "accounts link --user admin --provider-user admin",
            ],
            line => Assert.Contains(line, output, StringComparison.Ordinal));
        Assert.DoesNotContain("✘", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_database_the_users_are_listed_and_none_is_made()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);

        (int _, string output, string _) = await ProgramProcess.RunAsync("Gateway", ["check", "--accounts"], world.Settings());

        Assert.Contains("✔ user alice: the first person of this name at the provider gets it", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(world.DataDirectory));
    }
}
