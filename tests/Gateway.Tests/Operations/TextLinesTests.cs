using System.Text.Json;
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
            "2026-11-27T12:00:00.000Z WRN Gateway.SecurityLog - client=\"192.0.2.7\": said \"evil\\\"\\n2026",
            lines[0],
            StringComparison.Ordinal);
        Assert.Contains("\\r\\u001B[2J\\u2028\\u202e\"", lines[0], StringComparison.Ordinal);
        Assert.True(lines.Length > 1);
        Assert.All(lines[1..], line => Assert.StartsWith("    ", line, StringComparison.Ordinal));
    }

    /// <summary>Read as JSON, from quote to quote, the text is the value: nothing of it stands behind the quotes.</summary>
    [Theory]
    [InlineData("\\")]
    [InlineData("\\\" client=\"192.0.2.8\"")]
    [InlineData("\\\\\" \"")]
    public void A_backslash_does_not_end_the_quotes(string value)
    {
        string ofMessage = Lines(value, null)[0].Split(": said ", 2)[1];
        string ofRequest = Lines("", null, agent: value)[0].Split(" agent=", 2)[1];

        Assert.Equal(value, JsonSerializer.Deserialize<string>(ofMessage));
        Assert.Equal(value, JsonSerializer.Deserialize<string>(ofRequest[..^": said \"\"".Length]));
    }

    private static string[] Lines(string value, Exception? error, string? agent = null)
    {
        LogEvent entry = new(
            new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero),
            LogEventLevel.Warning,
            error,
            new MessageTemplateParser().Parse("said {Text}"),
            [
                new LogEventProperty("Text", new ScalarValue(value)),
                new LogEventProperty("Client", new ScalarValue("192.0.2.7")),
                .. agent is null ? (LogEventProperty[])[] : [new LogEventProperty("Agent", new ScalarValue(agent))],
                new LogEventProperty("SourceContext", new ScalarValue("Gateway.SecurityLog")),
            ]);
        using StringWriter text = new();
        new TextLines().Format(entry, text);
        return text.ToString().TrimEnd('\n').Split('\n');
    }
}
