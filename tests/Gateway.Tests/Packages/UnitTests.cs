using System.Globalization;
using System.Text.RegularExpressions;
using Gateway.Operations;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Packages;

/// <summary>The systemd unit, the command and the settings file of the packages.</summary>
public sealed partial class UnitTests
{
    private const string Unit = "config/package/paperless-gateway.service";

    private static readonly ILookup<string, string> Lines = Shipped.Text(Unit).Split('\n')
        .Where(line => line.Contains('=', StringComparison.Ordinal) && line[0] != '#')
        .Select(line => line.Split('=', 2))
        .ToLookup(parts => parts[0], parts => parts[1]);

    /// <summary>A value of 20 is an exposure of 2.0 of 10.</summary>
    [Fact]
    [Needs(RealPart.Systemd)]
    public async Task Systemd_accepts_the_unit_and_finds_it_little_exposed()
    {
        string folder = Directory.CreateTempSubdirectory("gateway-unit-").FullName;
        string file = Path.Combine(folder, "paperless-gateway.service");
        await File.WriteAllTextAsync(file, Shipped.Text(Unit).Replace("@LIB@", AppContext.BaseDirectory.TrimEnd('/'), StringComparison.Ordinal), World.Ct);

        (int verified, string faults) = await AnalyzeAsync("verify", "--man=no", file);
        (int secure, string report) = await AnalyzeAsync("security", "--offline=yes", "--threshold=20", file);

        Assert.DoesNotContain("paperless-gateway", faults, StringComparison.Ordinal);
        Assert.Equal(0, verified);
        Assert.True(secure == 0, report);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_service_has_time_to_finish_requests_before_it_is_killed() =>
        Assert.True(TimeSpan.FromSeconds(int.Parse(Only("TimeoutStopSec").TrimEnd('s'), CultureInfo.InvariantCulture)) > OperationsFeature.GracePeriod);

    [Fact]
    public void The_unit_and_the_command_run_with_the_same_environment_and_user()
    {
        string command = Shipped.Text("config/package/paperless-gateway");
        string exported = Assert.Single(command.Split('\n'), line => line.StartsWith("export GATEWAY_", StringComparison.Ordinal));
        Assert.Equal(Lines["Environment"], exported["export ".Length..].Split(' '));
        Assert.Contains($"\nuser={Only("User")}\n", command, StringComparison.Ordinal);
        Assert.Contains($"\nsettings={Only("EnvironmentFile")}\n", command, StringComparison.Ordinal);
        Assert.Contains($"\nprogram={Only("ExecStart")}\n", command, StringComparison.Ordinal);
        Assert.StartsWith($"u {Only("User")} ", Shipped.Text("config/package/paperless-gateway.sysusers"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_data_directory_is_the_state_directory_of_the_unit()
    {
        GatewaySettings settings = Shipped.Read(Environment()).Settings;
        Assert.Equal("/var/lib/" + Only("StateDirectory"), settings.DataDirectory);
        Assert.Equal("0700", Only("StateDirectoryMode"));
    }

    [Fact]
    public void The_settings_file_of_the_packages_is_accepted_once_it_is_filled_in()
    {
        (GatewaySettings settings, IReadOnlyList<string> warnings) = Shipped.Read(Environment());
        Assert.Empty(warnings);
        Assert.Equal("http://localhost:8000/", Assert.Single(settings.Upstreams).AbsoluteUri);
        Assert.Equal(["paperless-users"], settings.Identity.AllowedGroups);

        string[] frameworks = ["ASPNETCORE_URLS", "DOTNET_EnableDiagnostics"];
        IEnumerable<string> others = Environment().Keys.Where(name => !name.StartsWith("Kestrel__", StringComparison.Ordinal)).Except(frameworks);
        Assert.Empty(others.Except(GatewaySettingsReader.Names()));
    }

    [Fact]
    public void The_settings_of_the_packages_mean_the_same_to_systemd_and_to_the_command() => Assert.All(
        Shipped.Text("config/package/gateway.env").Split('\n').Where(line => line.Length > 0 && line[0] != '#'),
        line => Assert.Matches(PlainSetting(), line));

    /// <summary>The suggestion to take the token as a credential names a variable that is read.</summary>
    [Fact]
    public void The_credential_in_the_unit_is_a_variable_that_the_gateway_reads()
    {
        Match suggested = Credential().Match(Shipped.Text(Unit));
        Assert.True(suggested.Success);
        Assert.Contains(suggested.Groups["variable"].Value, GatewaySettingsReader.Names());
        Assert.Contains($"#LoadCredential={suggested.Groups["name"].Value}:", Shipped.Text(Unit), StringComparison.Ordinal);
    }

    private static string Only(string name) => Assert.Single(Lines[name]);

    /// <summary>What the program gets: the lines of the unit and, stronger, the file.</summary>
    private static Dictionary<string, string> Environment() =>
        Lines["Environment"].Select(line => line.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1])
            .With(Shipped.Filled("config/package/gateway.env", commented: false));

    private static Task<(int ExitCode, string Output)> AnalyzeAsync(params string[] arguments) =>
        Command.RunAsync(RealPart.Systemd, "/usr/bin/systemd-analyze", arguments, Path.GetTempPath(), World.Ct);

    [GeneratedRegex(@"\A[A-Za-z_]+=[^'""\\ ][^'\\]*\z")]
    private static partial Regex PlainSetting();

    [GeneratedRegex(@"#Environment=(?<variable>\w+)_FILE=%d/(?<name>[\w-]+)")]
    private static partial Regex Credential();
}
