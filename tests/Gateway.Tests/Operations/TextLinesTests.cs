using Gateway.Operations;
using Serilog.Events;
using Serilog.Parsing;

namespace Gateway.Tests.Operations;

public sealed class TextLinesTests
{
    [Fact]
    public void No_value_and_no_exception_can_begin_a_line_or_leave_its_quotes()
    {
        string[] lines = Lines(
            "evil\"\n2026-01-01T00:00:00.000Z WRN forged\r\u001b[2J\u2028\u202e",
            new InvalidOperationException("first\n2026-01-01T00:00:00.000Z second"));

        Assert.StartsWith(
            "2026-11-27T12:00:00.000Z WRN Gateway.SecurityLog - client=\"192.0.2.7\": said \"evil\\\"\\u000a2026",
            lines[0],
            StringComparison.Ordinal);
        Assert.Contains("\\u000d\\u001b[2J\\u2028\\u202e\"", lines[0], StringComparison.Ordinal);
        Assert.True(lines.Length > 1);
        Assert.All(lines[1..], line => Assert.StartsWith("    ", line, StringComparison.Ordinal));
    }

    private static string[] Lines(string value, Exception error)
    {
        LogEvent entry = new(
            new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero),
            LogEventLevel.Warning,
            error,
            new MessageTemplateParser().Parse("said {Text}"),
            [
                new LogEventProperty("Text", new ScalarValue(value)),
                new LogEventProperty("Client", new ScalarValue("192.0.2.7")),
                new LogEventProperty("SourceContext", new ScalarValue("Gateway.SecurityLog")),
            ]);
        using StringWriter text = new();
        new TextLines().Format(entry, text);
        return text.ToString().TrimEnd('\n').Split('\n');
    }
}
