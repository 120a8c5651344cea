using System.Reflection;
using System.Text.RegularExpressions;
using Gateway.Tests.Operations;

namespace Gateway.Tests.Background;

/// <summary>Whatever runs beside the requests has a test that makes it fail: what is not in this list has none yet.</summary>
public sealed partial class FaultConventionTests
{
    private static readonly string Source = Path.Combine(Repository.Root, "src", "Gateway");

    /// <summary>What runs, and the test in which it fails.</summary>
    private static readonly (string Runs, Type Class, string Test)[] Known =
    [
        ("BackgroundLoop.cs: .CreateTimer(", typeof(BackgroundLoopTests), nameof(BackgroundLoopTests.A_periodic_loop_goes_on_after_any_exception)),
        ("BackgroundLoop.cs: .CreateTimer(", typeof(BackgroundLoopTests), nameof(BackgroundLoopTests.Neither_a_log_nor_a_clock_that_fails_ends_the_work)),
        ("SessionMaintenance.cs: BackgroundService", typeof(FaultTests), nameof(FaultTests
            .A_sign_out_that_the_store_has_not_taken_is_told_again_after_an_unforeseen_failure)),
        ("OrphanedPaperlessSessions.cs: BackgroundService", typeof(FaultTests), nameof(FaultTests
            .Paperlesss_own_session_of_the_next_one_ends_after_a_failure_with_the_one_before)),
        ("PasswordSocketChecks.cs: BackgroundService", typeof(FaultTests), nameof(FaultTests
            .WebSockets_of_people_with_a_password_are_checked_again_after_a_failure)),
        ("StaticFileCompression.cs: BackgroundService", typeof(FaultTests), nameof(FaultTests.Static_files_are_compressed_after_one_that_failed)),
        ("StaticFileCompression.cs: Task.Factory.StartNew(", typeof(FaultTests), nameof(FaultTests.Static_files_are_compressed_after_one_that_failed)),
        ("StaticFileFetch.cs: Task.Run(", typeof(FaultTests), nameof(FaultTests
            .A_fetch_of_a_static_file_that_fails_is_a_forwarded_request_for_everybody_who_waits)),
        ("CredentialCheck.cs: Task.Run(", typeof(FaultTests), nameof(FaultTests
            .The_check_of_a_credential_that_fails_refuses_that_request_and_the_next_one_is_checked)),
        ("AccountsFeature.cs: BackgroundService", typeof(FaultTests), nameof(FaultTests.The_first_look_at_Paperlesss_API_that_fails_ends_nothing)),
        ("SessionRecheck.cs: IHostedService", typeof(FaultTests), nameof(FaultTests
            .A_recheck_that_fails_inside_the_gateway_ends_nothing_and_the_next_one_is_made)),
        ("SessionRecheck.cs: Task.Run(", typeof(FaultTests), nameof(FaultTests.A_recheck_that_fails_inside_the_gateway_ends_nothing_and_the_next_one_is_made)),
        ("ConsoleLines.cs: new Thread(", typeof(ConsoleLinesTests), nameof(ConsoleLinesTests
            .An_output_that_breaks_costs_the_lines_of_that_moment_and_not_the_process)),
    ];

    /// <summary>They run at the start alone, and the start waits for them: where they fail, it fails with a message.</summary>
    private static readonly string[] PartsOfTheStart =
    [
        "ManagementServer.cs: IHostedService",
        "ManagementServer.cs: Task.Run(",
        "SettingsFeature.cs: IHostedService",
    ];

    [Fact]
    public void Everything_that_runs_beside_the_requests_has_a_test_in_which_it_fails()
    {
        string[] found = [.. Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Running().Matches(File.ReadAllText(file)).Select(match => $"{Path.GetFileName(file)}: {match.Value.TrimStart(':', ',', ' ')}"))
            .Distinct()
            .Order(StringComparer.Ordinal)];

        Assert.Equal(Known.Select(one => one.Runs).Concat(PartsOfTheStart).Distinct().Order(StringComparer.Ordinal), found);
    }

    [Fact]
    public void The_tests_of_the_list_are_tests() => Assert.All(
        Known,
        one => Assert.NotNull(one.Class.GetMethod(one.Test)?.GetCustomAttribute<FactAttribute>()));

    /// <summary>An event that is raised by itself stops at the first subscriber that fails, and throws at whoever raised it.</summary>
    [Fact]
    public void Events_are_raised_in_one_place_only() => Assert.DoesNotContain(
        Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories),
        file => File.ReadAllText(file).Contains("?.Invoke(", StringComparison.Ordinal));

    [GeneratedRegex(@"[:,] (BackgroundService|IHostedService|IHostedLifecycleService)\b|new PeriodicTimer\(|Task\.Run\(|Task\.Factory\.StartNew\("
        + @"|new Thread\(|new Timer\(|\.CreateTimer\(|ThreadPool\.\w+\(|async void ")]
    private static partial Regex Running();
}
