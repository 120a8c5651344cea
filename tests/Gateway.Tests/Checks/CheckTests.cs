using Gateway.Checks;
using Gateway.Operations;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Checks;

/// <summary>The checks of the configuration against the provider, Paperless and the store.</summary>
public sealed class CheckTests
{
    public static TheoryData<string> Setups => [.. WrongSetup.All.Select(setup => setup.Name)];

    [Fact]
    public async Task A_right_configuration_has_no_problem()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);

        CheckReport report = await RunAsync(world.Settings());

        Assert.DoesNotContain(report.Findings, finding => finding.Level is FindingLevel.Problem or FindingLevel.Skipped);
        Assert.Contains(report.Findings, finding => finding.Subject == "authentik: client secret" && finding.Level == FindingLevel.Good);
    }

    [Theory]
    [MemberData(nameof(Setups))]
    public async Task A_wrong_setup_is_named_with_its_remedy_in_one_line(string name)
    {
        WrongSetup setup = WrongSetup.All.Single(one => one.Name == name);
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            setup.Configure?.Invoke(options);
        });
        Dictionary<string, string?> settings = world.Settings();
        setup.Change?.Invoke(world, settings);

        (int exitCode, string[] lines) = await CommandAsync(settings);

        string mark = setup.IsWarning ? "! " : "✘ ";
        Assert.Equal(setup.IsWarning ? 2 : 1, exitCode);
        Assert.True(
            lines.Any(line => line.StartsWith(mark, StringComparison.Ordinal)
                && setup.Words.All(word => line.Contains(word, StringComparison.OrdinalIgnoreCase))),
            $"No line has {string.Join(", ", setup.Words)}:\n{string.Join('\n', lines)}");
    }

    /// <summary>Each in a row of its own here and in the tests of the public address, of certificates, and of the way around the gateway.</summary>
    [Fact]
    public void There_are_at_least_40_wrong_setups()
    {
        Assert.True(WrongSetup.All.Count(setup => !setup.IsWarning) >= 40, $"{WrongSetup.All.Count(setup => !setup.IsWarning)} rows");
        Assert.Equal(WrongSetup.All.Length, WrongSetup.All.DistinctBy(setup => setup.Name).Count());
    }

    [Fact]
    public async Task A_second_provider_is_warned_of_because_it_changes_who_is_found_by_name()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = world.Settings();
        settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
            ProvidersSetting.Of(world.Provider),
            ProvidersSetting.Of(new Uri("http://127.0.0.1:9/"), "second", "second", "a secret"));

        CheckReport report = await RunAsync(settings);

        Assert.Contains(
            report.Findings,
            finding => finding.Level == FindingLevel.Warning
                && finding.ToString().Contains("no first sign-in gets an account by its name", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_provider_that_takes_pushed_requests_alone_is_asked_with_one()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = provider => provider with { PushedRequests = PushedRequests.Required };
        });

        CheckReport report = await RunAsync(world.Settings());

        Assert.DoesNotContain(report.Findings, finding => finding.Level == FindingLevel.Problem);
        Assert.Single(world.Provider.Received, request => request.Path == "/application/o/par/");
    }

    [Fact]
    public async Task Clocks_that_differ_by_more_than_a_minute_are_a_problem()
    {
        await using World world = await World.StartAsync();
        world.Clock.Advance(TimeSpan.FromHours(1));

        CheckReport report = await world.Gateway.Services.GetRequiredService<CheckRunner>().RunAsync(World.Ct);

        Assert.Equal(
            ["authentik: clock", $"Paperless at {world.Paperless.Address.GetLeftPart(UriPartial.Authority)}: clock"],
            report.Findings.Where(finding => finding.Level == FindingLevel.Problem).Select(finding => finding.Subject));
    }

    [Theory]
    [InlineData("2.20.3", true)]
    [InlineData("3.0.0-beta.rc1", false)]
    [InlineData("of somebody's own", false)]
    public async Task A_Paperless_older_than_the_supported_versions_is_a_warning(string version, bool isOld)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        using Fault old = world.Paperless.Faults.Answer(
            request => request.RawPath == "/api/ui_settings/",
            200,
            $$$"""{"user": {"username": "admin", "is_superuser": true}, "settings": {"version": "{{{version}}}"}}""");

        CheckReport report = await RunAsync(world.Settings());

        Finding[] warnings = [.. report.Findings.Where(finding => finding.Level == FindingLevel.Warning)];
        Assert.Equal(isOld, warnings.Any(finding => finding.Seen.Contains("3.0 and newer", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_check_changes_nothing()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        int users = world.Paperless.Data.Users.Count;

        await RunAsync(world.Settings());

        Assert.False(Directory.Exists(world.DataDirectory));
        Assert.Equal(users, world.Paperless.Data.Users.Count);
        Assert.Empty(world.Provider.Sessions);
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    /// <summary>The command, in this process.</summary>
    internal static async Task<(int ExitCode, string[] Lines)> CommandAsync(Dictionary<string, string?> settings)
    {
        await using StringWriter output = new();
        int exitCode = await CheckCommand.RunAsync(() => Create(settings), output, json: false, accounts: false, wait: null, World.Ct);
        return (exitCode, output.ToString().Split('\n'));
    }

    internal static async Task<CheckReport> RunAsync(Dictionary<string, string?> settings)
    {
        await using WebApplication app = Create(settings);
        return await app.Services.GetRequiredService<CheckRunner>().RunAsync(World.Ct);
    }

    private static WebApplication Create(Dictionary<string, string?> settings)
    {
        string[] arguments = [.. settings.Where(setting => setting.Value is not null).Select(setting => $"--{setting.Key}={setting.Value}")];
        return Program.Create(["--environment=Production", .. arguments], serves: false);
    }
}
