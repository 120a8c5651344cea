using System.Diagnostics;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Settings;

/// <summary>The real program as a process with only the environment that a test sets.</summary>
[Needs(RealPart.Process)]
public sealed class ProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-program-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_valid_configuration_passes_validate()
    {
        Outcome outcome = await RunAsync(["validate"], Good());

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("https://docs.example.com", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("authentik", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("validate")]
    public async Task An_invalid_configuration_stops_the_start_and_all_problems_are_on_standard_error(params string[] words)
    {
        Dictionary<string, string> environment = Good();
        environment["PAPERLESS_URL"] = "docs";
        environment["GATEWAY_SESSION_IDLE"] = "soon";
        environment["GATEWAY_UPSTREM_URL"] = "http://paperless:8000";
        environment["GATEWAY_ALLOWED_GROUPS_FILE"] = "/missing";

        Outcome outcome = await RunAsync(words, environment);

        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("The gateway does not start: 4 problems in its configuration.", outcome.Error, StringComparison.Ordinal);
        Assert.All(
            ["PAPERLESS_URL: ", "GATEWAY_SESSION_IDLE: ", "GATEWAY_UPSTREM_URL: ", "GATEWAY_ALLOWED_GROUPS_FILE: "],
            name => Assert.Contains(name, outcome.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("SECRET", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_environment_reports_the_four_required_variables()
    {
        Outcome outcome = await RunAsync([], []);

        Assert.Equal(1, outcome.ExitCode);
        Assert.All(
            ["PAPERLESS_URL", "PAPERLESS_SOCIALACCOUNT_PROVIDERS", "PAPERLESS_ENABLE_HTTP_REMOTE_USER", "GATEWAY_PAPERLESS_TOKEN"],
            name => Assert.Contains(name, outcome.Error, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("validate", "twice")]
    [InlineData("health", "dead")]
    public async Task An_unknown_command_shows_the_usage(params string[] words)
    {
        Outcome outcome = await RunAsync(words, Good());

        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains("Usage:", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_health_command_fails_without_a_running_gateway()
    {
        Outcome outcome = await RunAsync(["health"], new() { ["GATEWAY_MANAGEMENT_URL"] = "http://127.0.0.1:1" });

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("http://127.0.0.1:1/health/live does not answer", outcome.Error, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Good() => new()
    {
        ["PAPERLESS_URL"] = "https://docs.example.com",
        ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
        ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = GivenEnvironment.Providers,
        ["GATEWAY_PAPERLESS_TOKEN"] = "SECRETofthesuperuser",
        ["GATEWAY_DATA_DIR"] = Path.Combine(_folder, "data"),
    };

    private async Task<Outcome> RunAsync(string[] words, Dictionary<string, string> environment)
    {
        NeedsAttribute.Check(RealPart.Process);
        ProcessStartInfo start = new(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "Gateway.dll") },
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in start.Environment.Keys.Where(name => name is not ("PATH" or "HOME" or "DOTNET_ROOT" or "TMPDIR")).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        foreach (string word in words)
        {
            start.ArgumentList.Add(word);
        }

        using Process process = Process.Start(start)!;
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await Task.WhenAll(output, error, process.WaitForExitAsync(TestContext.Current.CancellationToken))
                .InTimeAsync($"The program ends: {string.Join(' ', words)}");
            return new Outcome(process.ExitCode, await output, await error);
        }
        finally
        {
            await process.KillAsync();
        }
    }

    private sealed record Outcome(int ExitCode, string Output, string Error);
}
