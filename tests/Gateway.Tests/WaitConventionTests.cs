using System.Text.RegularExpressions;

namespace Gateway.Tests;

/// <summary>Tests wait by `Kit/Wait.cs`, and none of them measures time; read from their source.</summary>
public sealed partial class WaitConventionTests
{
    private static readonly string Source = Path.Combine(Repository.Root, "tests", "Gateway.Tests");

    /// <summary>Each file that may wait or measure by itself, by what, and why.</summary>
    private static readonly (string File, string Use, string Reason)[] Exceptions =
    [
        ("Kit/CapturedLog.cs", "WaitAsync(limit.Token)", "It has a limit of its own, and its failure shows the log."),
        ("Kit/Command.cs", "WaitForExit", "It has a limit of its own, and its failure names the command."),
        ("Kit/ProgramProcess.cs", "WaitForExit", "Inside a wait of `Wait`."),
        ("Kit/GatewayUnderTest.cs", "Thread.Sleep", "Five times at most."),
        ("Interop/OidcProviderProcess.cs", "WaitForExit", "It has a limit of its own, after which the provider is killed."),
        ("Sessions/ReplicaProcessTests.cs", "Task.Delay", "The pace of the browsers, which stop when the test says so."),
        ("Forwarding/TransferTests.cs", "Stopwatch", "A figure for docs/performance.md. No assertion uses it."),
        ("Kit/FaultyClock.cs", "GetTimestamp", "Passes on to the test's clock."),
    ];

    [Fact]
    public void Every_wait_has_a_limit_and_no_test_measures_time_but_where_the_list_says_why()
    {
        IEnumerable<string> faults = Uses().Where(use => !Exceptions.Any(one => one.File == use.File && one.Use == use.Use))
            .Select(use => $"{use.File}: {use.Use}");

        Assert.Empty(faults);
    }

    [Fact]
    public void The_list_has_no_exception_that_nothing_needs() =>
        Assert.All(Exceptions, one => Assert.Contains((one.File, one.Use), Uses()));

    [Theory]
    [InlineData("await asked.Task.WaitAsync(World.Ct);")]
    [InlineData("await arrived.WaitAsync(TestContext.Current.CancellationToken);")]
    [InlineData("await Task.Delay(20, World.Ct);")]
    [InlineData("Thread.Sleep(50);")]
    [InlineData("await process.WaitForExitAsync(World.Ct);")]
    [InlineData("process.WaitForExit();")]
    [InlineData("start.SignalAndWait(Ct);")]
    [InlineData("Assert.True(SpinWait.SpinUntil(() => done, TimeSpan.FromSeconds(1)));")]
    [InlineData("task.Wait();")]
    [InlineData("Stopwatch watch = Stopwatch.StartNew();")]
    [InlineData("long began = TimeProvider.System.GetTimestamp();")]
    [InlineData("Environment.TickCount64")]
    [InlineData("Assert.True(DateTimeOffset.UtcNow - began < TimeSpan.FromSeconds(5));")]
    public void A_wait_without_a_limit_and_a_measured_time_are_found(string line) => Assert.NotEmpty(BareWait().Matches(line));

    [Theory]
    [InlineData("await asked.Task.InTimeAsync(\"The provider is asked.\");")]
    [InlineData("await turns.WaitAsync(World.Ct).InTimeAsync(\"The loop takes a turn.\");")]
    [InlineData("await process.WaitForExitAsync(World.Ct).InTimeAsync(\"The program ends.\");")]
    [InlineData("await Task.WhenAll(output, process.WaitForExitAsync(World.Ct)).InTimeAsync(\"The program ends.\");")]
    [InlineData("await Wait.UntilAsync(() => done, \"It is done.\");")]
    [InlineData("start.Meet();")]
    [InlineData("Assert.Equal(world.Clock.GetUtcNow(), checkedAt);")]
    public void A_wait_with_a_limit_is_none(string line) => Assert.Empty(BareWait().Matches(line));

    private static List<(string File, string Use)> Uses() =>
    [
        .. Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
            .Select(file => (Path: file, Name: Path.GetRelativePath(Source, file).Replace('\\', '/')))
            .Where(file => file.Name is not ("Kit/Wait.cs" or "WaitConventionTests.cs" or "ClockTests.cs"))
            .SelectMany(file => BareWait().Matches(File.ReadAllText(file.Path)).Select(match => (file.Name, match.Groups["use"].Value)))
            .Distinct(),
    ];

    [GeneratedRegex(
        """
        \.(?<use>WaitAsync\((limit\.Token|(\w+\.)*Ct|(\w+\.)*CancellationToken)\))(?!\s*\.InTime)
        | (?<use>WaitForExit)(Async)?\([\w.]*(?>\)+)(?!\s*\.InTime)
        | (?<use>SignalAndWait)
        | (?<use>SpinWait\.SpinUntil)
        | (?<use>\.Wait\(\))
        | (?<use>Task\.Delay)
        | (?<use>Thread\.Sleep)
        | (?<use>Stopwatch)\b
        | (?<use>GetTimestamp|GetElapsedTime|TickCount)
        | (?<use>UtcNow\ -)
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex BareWait();
}
