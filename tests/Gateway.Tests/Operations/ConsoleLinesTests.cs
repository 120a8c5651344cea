using System.Text;
using System.Text.Json;
using Gateway.Operations;
using Gateway.Tests.Kit;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Compact;
using Serilog.Parsing;

namespace Gateway.Tests.Operations;

public sealed class ConsoleLinesTests
{
    /// <summary>More than wait in memory, and more than the first write takes along.</summary>
    private const int Many = 30_000;

    [Fact]
    public void Logging_does_not_block_while_the_console_is_not_read_and_dropped_lines_are_reported_later()
    {
        using HeldStream output = new();
        using ConsoleLines lines = new(new CompactJsonFormatter(), output, TimeSpan.FromMilliseconds(50));

        for (int number = 0; number < Many; number++)
        {
            lines.Emit(Line(number));
        }

        output.LetGo();
        lines.Dispose();
        string[] written = output.Text().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        int missing = written.Select(line => JsonDocument.Parse(line).RootElement).Where(line => line.TryGetProperty("Lines", out _))
            .Sum(line => line.GetProperty("Lines").GetInt32());
        Assert.True(missing > 0, "Nothing is said to be missing.");
        Assert.Equal(Many, missing + written.Count(line => line.Contains("\"Number\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_log_line_is_dropped_while_the_console_is_read()
    {
        using HeldStream output = new();
        output.LetGo();
        using ConsoleLines lines = new(new CompactJsonFormatter(), output);

        for (int number = 0; number < Many; number++)
        {
            lines.Emit(Line(number));
        }

        lines.Dispose();
        Assert.Equal(Many, output.Text().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void A_log_line_that_cannot_be_formatted_does_not_stop_other_lines()
    {
        using HeldStream output = new();
        output.LetGo();
        using ConsoleLines lines = new(new Faulty(), output);

        lines.Emit(Line(1));
        lines.Emit(Line(2));
        lines.Emit(Line(3));
        lines.Dispose();

        Assert.Equal(["line 1", "line 3"], output.Text().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>An exception in the writer's thread would end the process.</summary>
    [Fact]
    public void A_broken_console_loses_the_lines_of_that_moment_and_does_not_stop_the_process()
    {
        using BreakingStream output = new();
        using ConsoleLines lines = new(new CompactJsonFormatter(), output);

        lines.Emit(Line(1));
        Assert.True(output.Broken.Wait(Wait.Limit, World.Ct), "The line was not written.");
        lines.Emit(Line(2));
        lines.Dispose();

        Assert.Contains("\"Number\":2", output.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_log_lines_take_no_room_of_the_audit_stream()
    {
        using HeldStream output = new();
        List<int> dropped = [];
        using AuditSink audit = new(output, dropped.Add, TimeSpan.FromMilliseconds(50));

        audit.Emit(Record());
        Assert.True(output.Reached.Wait(Wait.Limit, World.Ct), "The first record was not written.");
        for (int number = 0; number < Many; number++)
        {
            audit.Emit(Line(number));
        }

        audit.Emit(Record());
        output.LetGo();
        audit.Dispose();

        Assert.Equal(2, Written(output).Length);
        Assert.Empty(dropped);
    }

    [Fact]
    public void Records_of_the_audit_stream_that_were_dropped_are_reported()
    {
        using HeldStream output = new();
        List<int> dropped = [];
        using AuditSink audit = new(output, dropped.Add, TimeSpan.FromMilliseconds(50));

        for (int number = 0; number < Many; number++)
        {
            audit.Emit(Record());
        }

        output.LetGo();
        audit.Dispose();

        Assert.True(dropped.Sum() > 0, "Nothing was dropped.");
        Assert.Equal(Many, dropped.Sum() + Written(output).Length);
    }

    private static string[] Written(HeldStream output) => output.Text().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A sign-in.</summary>
    private static LogEvent Record() =>
        new(
            DateTimeOffset.UnixEpoch,
            LogEventLevel.Information,
            null,
            MessageTemplate.Empty,
            [new LogEventProperty("EventId", new StructureValue([new LogEventProperty("Id", new ScalarValue(2001))]))]);

    private static LogEvent Line(int number) =>
        new(
            DateTimeOffset.UnixEpoch,
            LogEventLevel.Information,
            null,
            new MessageTemplateParser().Parse("line {Number}"),
            [new LogEventProperty("Number", new ScalarValue(number))]);

    private sealed class Faulty : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            string line = logEvent.RenderMessage(System.Globalization.CultureInfo.InvariantCulture);
            output.WriteLine(line == "line 2" ? throw new InvalidOperationException("This value has no text.") : line);
        }
    }

    /// <summary>An output that fails once, as no stream should.</summary>
    private sealed class BreakingStream : MemoryStream
    {
        public ManualResetEventSlim Broken { get; } = new();

        public string Text => Encoding.UTF8.GetString(ToArray());

        public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (!Broken.IsSet)
            {
                Broken.Set();
                throw new InvalidOperationException("The test has broken it.");
            }

            base.Write(buffer, offset, count);
        }
    }

    /// <summary>An output that takes nothing until it is let go.</summary>
    private sealed class HeldStream : MemoryStream
    {
        private readonly ManualResetEventSlim _free = new();

        public ManualResetEventSlim Reached { get; } = new();

        public void LetGo() => _free.Set();

        public string Text() => Encoding.UTF8.GetString(ToArray());

        public override void Write(byte[] buffer, int offset, int count)
        {
            Reached.Set();
            if (!_free.Wait(Wait.Limit))
            {
                throw new TimeoutException("The test has not let the output go.");
            }

            base.Write(buffer, offset, count);
        }

        protected override void Dispose(bool disposing)
        {
            _free.Dispose();
            Reached.Dispose();
            base.Dispose(disposing);
        }
    }
}
