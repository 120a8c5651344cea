using System.Text.RegularExpressions;
using Gateway.Tests.Kit;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>The command that starts the sandbox, as a person who tries the gateway runs it.</summary>
[Needs(RealPart.Chromium, RealPart.Process)]
public sealed partial class SandboxTests(Chromium chromium)
{
    [Fact]
    public async Task One_command_starts_a_sandbox_to_sign_in_look_around_and_sign_out()
    {
        int[] ports = [World.FreePort(), World.FreePort(), World.FreePort(), World.FreePort()];
        await using ProgramProcess sandbox = Start(ports);
        await sandbox.LineAsync(line => line.Contains("Ctrl+C stops all three", StringComparison.Ordinal));
        string said = string.Join('\n', sandbox.Output);
        Assert.All(
            [$"http://localhost:{ports[0]}", $"http://127.0.0.1:{ports[1]}", $"http://127.0.0.1:{ports[2]}", "alice (paperless-users, family)", "bob (",
                "admin ("],
            part => Assert.Contains(part, said, StringComparison.Ordinal));
        Assert.DoesNotContain(" WRN ", said, StringComparison.Ordinal);

        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;
        await page.GotoAsync($"http://localhost:{ports[0]}");
        await JourneyTests.SignInAsync(page, "alice");
        await Assertions.Expect(page.GetByText("Rental agreement")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
        await page.GetByRole(AriaRole.Link, new() { Name = "My Profile" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Edit Profile");
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
        await page.GetByRole(AriaRole.Link, new() { Name = "Logout" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Signed out");

        // As admin, with the live status still open when Ctrl+C is pressed.
        await JourneyTests.SignInAsync(page, "admin");
        await JourneyTests.ConnectWithPasswordAsync(page, "admin");
        await Assertions.Expect(page.GetByText("Admin's own letter")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
        Assert.Empty(window.Errors);
        await sandbox.SignalAsync("INT");
        Assert.Equal(0, await sandbox.ExitAsync());
        Assert.Equal("", sandbox.Errors);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_sandbox_reports_a_busy_port_in_one_sentence(int busy)
    {
        using System.Net.Sockets.TcpListener other = new(System.Net.IPAddress.Loopback, 0);
        other.Start();
        int[] ports = [World.FreePort(), World.FreePort(), World.FreePort(), World.FreePort()];
        ports[busy] = ((System.Net.IPEndPoint)other.LocalEndpoint).Port;

        await using ProgramProcess sandbox = Start(ports);

        Assert.Equal(1, await sandbox.ExitAsync());
        Assert.Contains($":{ports[busy]}: address already in use. Stop what listens there, or choose other ports.", sandbox.Errors, StringComparison.Ordinal);
        Assert.DoesNotMatch(StackTrace(), sandbox.Errors + string.Join('\n', sandbox.Output));
    }

    [Theory]
    [InlineData("--gatewey", "8080")]
    [InlineData("--gateway")]
    [InlineData("--gateway", "eighty")]
    [InlineData("--gateway", "70000")]
    public async Task The_sandbox_shows_its_usage_for_an_unknown_argument(params string[] arguments)
    {
        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway.Sandbox", arguments);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains("[--gateway 8080] [--provider 9000] [--paperless 8000] [--management 8081]", errors, StringComparison.Ordinal);
    }

    private static ProgramProcess Start(int[] ports) =>
        ProgramProcess.Start(
            "Gateway.Sandbox",
            ["--gateway", $"{ports[0]}", "--provider", $"{ports[1]}", "--paperless", $"{ports[2]}", "--management", $"{ports[3]}"]);

    [GeneratedRegex(@"^\s+at ", RegexOptions.Multiline)]
    private static partial Regex StackTrace();
}
