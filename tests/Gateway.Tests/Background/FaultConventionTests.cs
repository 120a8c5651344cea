using System.Reflection;
using System.Text.RegularExpressions;
using Gateway.Tests.Operations;
using Gateway.Tests.ReadAhead;
using Gateway.Tests.Settings;
using Gateway.Tests.StaticCache;

namespace Gateway.Tests.Background;

/// <summary>Every background task in the source has a test in which the task fails.</summary>
public sealed partial class FaultConventionTests
{
    private static readonly string Source = Path.Combine(Repository.Root, "src", "Gateway");

    /// <summary>Each background task, and the test in which it fails.</summary>
    private static readonly (string Runs, Type Class, string Test)[] Known =
    [
        ("BackgroundLoop.cs: .CreateTimer(", typeof(BackgroundLoopTests), nameof(BackgroundLoopTests.A_periodic_loop_continues_after_any_exception)),
        ("BackgroundLoop.cs: .CreateTimer(", typeof(BackgroundLoopTests), nameof(BackgroundLoopTests
            .A_failing_logger_or_clock_does_not_stop_a_background_loop)),
        ("SessionMaintenance.cs: BackgroundService", typeof(SessionFaultTests), nameof(SessionFaultTests
            .A_pending_revocation_is_sent_again_after_an_unexpected_failure)),
        ("OrphanedPaperlessSessions.cs: BackgroundService", typeof(SessionFaultTests), nameof(SessionFaultTests
            .After_a_failed_logout_at_Paperless_the_next_orphaned_Paperless_session_still_ends)),
        ("PasswordSocketChecks.cs: BackgroundService", typeof(SessionFaultTests), nameof(SessionFaultTests
            .WebSockets_of_password_sessions_are_checked_again_after_a_failure)),
        ("StaticFileCompression.cs: BackgroundService", typeof(FaultTests), nameof(FaultTests.Static_files_are_compressed_after_an_earlier_compression_failed)),
        ("StaticFileCompression.cs: Task.Factory.StartNew(", typeof(FaultTests), nameof(FaultTests
            .Static_files_are_compressed_after_an_earlier_compression_failed)),
        ("StaticFileFetch.cs: Task.Run(", typeof(FaultTests), nameof(FaultTests
            .After_a_failed_fetch_of_a_static_file_every_waiting_request_is_forwarded)),
        ("StaticFileRefresh.cs: BackgroundService", typeof(StaticFileRefreshTests), nameof(StaticFileRefreshTests
            .A_refresh_that_fails_inside_the_gateway_is_repeated)),
        ("AnswersAhead.cs: Task.Run(", typeof(ReadAheadTests), nameof(ReadAheadTests
            .After_a_failure_inside_the_gateway_the_requests_of_the_page_are_forwarded)),
        ("CredentialCheck.cs: Task.Run(", typeof(FaultTests), nameof(FaultTests
            .A_failing_credential_check_refuses_that_request_and_the_next_credential_is_checked)),
        ("BearerTokens.cs: Task.Run(", typeof(FaultTests), nameof(FaultTests
            .A_failing_check_of_an_access_token_refuses_that_request_and_the_next_check_runs)),
        ("SecretReload.cs: BackgroundService", typeof(SecretReloadTests), nameof(SecretReloadTests.A_reading_that_fails_inside_the_gateway_is_repeated)),
        ("CertificateReload.cs: BackgroundService", typeof(CertificateReloadTests), nameof(CertificateReloadTests
            .A_reading_that_fails_inside_the_gateway_is_repeated)),
        ("Drain.cs: IHostedLifecycleService", typeof(FaultTests), nameof(FaultTests.A_drain_that_fails_does_not_keep_the_gateway_from_stopping)),
        ("StartupChecks.cs: BackgroundService", typeof(FaultTests), nameof(FaultTests.Checks_that_fail_after_the_start_run_again)),
        ("SessionRecheck.cs: IHostedService", typeof(SessionFaultTests), nameof(SessionFaultTests
            .A_recheck_that_fails_inside_the_gateway_ends_no_session_and_the_next_recheck_runs)),
        ("SessionRecheck.cs: Task.Run(", typeof(SessionFaultTests), nameof(SessionFaultTests
            .A_recheck_that_fails_inside_the_gateway_ends_no_session_and_the_next_recheck_runs)),
        ("ConsoleLines.cs: new Thread(", typeof(ConsoleLinesTests), nameof(ConsoleLinesTests
            .A_broken_console_loses_the_lines_of_that_moment_and_does_not_stop_the_process)),
    ];

    /// <summary>They run at the start only, which waits for them: if they fail, the start fails with a message.</summary>
    private static readonly string[] PartsOfTheStart =
    [
        "CountersAtZero.cs: IHostedService",
        "ManagementServer.cs: IHostedService",
        "ManagementServer.cs: Task.Run(",
        "SettingsFeature.cs: IHostedService",
    ];

    [Fact]
    public void Every_background_task_has_a_test_in_which_the_task_fails()
    {
        string[] found = [.. Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Running().Matches(File.ReadAllText(file)).Select(match => $"{Path.GetFileName(file)}: {match.Value.TrimStart(':', ',', ' ')}"))
            .Distinct()
            .Order(StringComparer.Ordinal)];

        Assert.Equal(Known.Select(one => one.Runs).Concat(PartsOfTheStart).Distinct().Order(StringComparer.Ordinal), found);
    }

    [Fact]
    public void The_tests_listed_for_background_tasks_exist() => Assert.All(
        Known,
        one => Assert.NotNull(one.Class.GetMethod(one.Test)?.GetCustomAttribute<FactAttribute>()));

    /// <summary>An event that is raised by itself stops at the first subscriber that fails, and throws at whoever raised it.</summary>
    [Fact]
    public void Events_are_raised_in_one_file_only() => Assert.DoesNotContain(
        Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories),
        file => File.ReadAllText(file).Contains("?.Invoke(", StringComparison.Ordinal));

    [GeneratedRegex(@"[:,] (BackgroundService|IHostedService|IHostedLifecycleService)\b|new PeriodicTimer\(|Task\.Run\(|Task\.Factory\.StartNew\("
        + @"|new Thread\(|new Timer\(|\.CreateTimer\(|ThreadPool\.\w+\(|async void ")]
    private static partial Regex Running();
}
