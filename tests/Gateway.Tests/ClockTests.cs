using System.Text.RegularExpressions;

namespace Gateway.Tests;

/// <summary>Source code takes the time from `TimeProvider`, so that tests can advance it.</summary>
public sealed partial class ClockTests
{
    private static readonly string Source = Path.Combine(Repository.Root, "src", "Gateway");

    /// <summary>Each file that may use the real clock, for what, and why.</summary>
    private static readonly (string File, string Use, string Reason)[] Exceptions =
    [
        ("WebSockets/SocketStream.cs", ".CancelAfter(", "Its source was made with the TimeProvider."),
        ("Forwarding/WebSocketForwarder.cs", ".CancelAfter(", "Its source was made with the TimeProvider."),
        ("Operations/HealthCommand.cs", "Timeout = TimeSpan", "A command on its own, without a host."),
        ("Operations/AuthentikApi.cs", ".CancelAfter(", "A command on its own, without a host."),
        ("Paperless/Upstreams.cs", "Timeout = TimeSpan", "YARP's own health checks."),
        ("Operations/ConsoleLines.cs", "DateTimeOffset.UtcNow", "The time of a log line, as Serilog itself takes it."),
        ("Operations/AppendedFile.cs", "Thread.Sleep", "The thread of the audit stream waits for another process."),
        ("Operations/RequestLine.cs", "DateTimeOffset.Now", "The time of a log line, as Serilog itself takes it."),
        ("Operations/RequestLog.cs", "Stopwatch", "A duration for the log."),
        ("Background/BackgroundLoop.cs", "Task.Delay", "Where the clock itself fails, the loop still has to pause."),
        ("Paperless/UpstreamTiming.cs", "Stopwatch", "A duration for the log."),
        ("Storage/StoreMetrics.cs", "Stopwatch", "A duration for a metric."),
        ("StaticCache/StaticFileStore.cs", "Stopwatch", "An order, and no time."),
        ("StaticCache/StaticFileCompression.cs", "Stopwatch", "Leaves the processor to others for as long as it had it."),
    ];

    [Fact]
    public void The_real_clock_is_used_only_where_the_list_gives_a_reason()
    {
        IEnumerable<string> faults = Uses().Where(use => !Exceptions.Any(one => one.File == use.File && one.Use == use.Use))
            .Select(use => $"{use.File}: {use.Use}");

        Assert.Empty(faults);
    }

    [Fact]
    public void The_list_of_real_clock_uses_has_no_unused_entry() =>
        Assert.All(Exceptions, one => Assert.Contains((one.File, one.Use), Uses()));

    [Theory]
    [InlineData("using CancellationTokenSource late = new(Patience);")]
    [InlineData("new CancellationTokenSource(TimeSpan.FromSeconds(3))")]
    [InlineData("late.CancelAfter(Patience);")]
    [InlineData("await Task.Delay(200);")]
    [InlineData("await Task.Delay(Backoff, cancel);")]
    [InlineData("DateTime.UtcNow")]
    [InlineData("DateTimeOffset.Now")]
    [InlineData("Thread.Sleep(1)")]
    [InlineData("new() { Timeout = TimeSpan.FromSeconds(5) }")]
    [InlineData("using PeriodicTimer timer = new(Every);")]
    [InlineData("Stopwatch.GetTimestamp()")]
    [InlineData("Environment.TickCount64")]
    [InlineData("new ResiliencePipelineBuilder()")]
    public void A_use_of_the_real_clock_is_detected(string line) => Assert.NotEmpty(RealClock().Matches(line));

    [Theory]
    [InlineData("using CancellationTokenSource late = new(Patience, time);")]
    [InlineData("private readonly CancellationTokenSource _stopping = new();")]
    [InlineData("await Task.Delay(Backoff, time, cancel);")]
    [InlineData("await Task.Delay(Backoff, _time);")]
    [InlineData("time.GetUtcNow()")]
    [InlineData("using PeriodicTimer timer = new(Every, time);")]
    [InlineData("new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan }")]
    [InlineData("new ResiliencePipelineBuilder<Answer> { TimeProvider = time }")]
    public void A_use_of_the_TimeProvider_is_not_taken_for_the_real_clock(string line) => Assert.Empty(RealClock().Matches(line));

    private static List<(string File, string Use)> Uses() =>
    [
        .. Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => RealClock().Matches(File.ReadAllText(file))
                .Select(match => (Path.GetRelativePath(Source, file).Replace('\\', '/'), match.Groups["use"].Value)))
            .Distinct(),
    ];

    [GeneratedRegex(
        """
        (?<use>\.CancelAfter\()
        | (?<use>CancellationTokenSource)\s*(\w+\s*=\s*new\s*)?\(\s*[^,()]+(\([^()]*\))?\s*\)
        | (?<use>Task\.Delay)\((?![^;]*\b(time|_time|clock|_clock)\b)
        | (?<use>DateTime(Offset)?\.(UtcNow|Now|Today))
        | (?<use>Thread\.Sleep)
        | (?<use>Environment\.TickCount)
        | (?<!\w)(?<use>Timeout\ =\ (TimeSpan|times?\.))
        | (?<use>PeriodicTimer)\s+\w+\s*=\s*new\s*\([^,()]+\)
        | (?<use>new\ (System\.Threading\.)?Timer\()
        | (?<use>Stopwatch)\.
        | (?<use>new\ ResiliencePipelineBuilder)(<\w+>)?\(
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex RealClock();
}
