using System.Globalization;
using System.Text;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;
using Serilog.Parsing;

namespace Gateway.Operations;

/// <summary>
/// Writes one line of text for each event: time, level, category, event, who asked for what, and the message. An exception follows, indented. No value
/// can begin a new line, end its quotes, or move the cursor of a terminal.
/// </summary>
internal sealed class TextLines : ITextFormatter
{
    /// <summary>JSON also escapes backslashes; otherwise a backslash before a quote would end the quotes.</summary>
    private static readonly MessageTemplateTextFormatter Message = new("{Message:j}", CultureInfo.InvariantCulture);

    private static readonly JsonValueFormatter Value = new(typeTagName: null);

    public void Format(LogEvent logEvent, TextWriter output)
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        text.Write(logEvent.Timestamp.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        text.Write(' ');
        text.Write(LevelOf(logEvent.Level));
        text.Write(' ');
        text.Write(PlainValue(logEvent, "SourceContext") ?? "-");
        text.Write(' ');
        text.Write(LoggedEvent.NameOf(logEvent) ?? "-");
        WriteRequest(logEvent, text);
        text.Write(": ");
        Message.Format(logEvent, text);
        output.WriteLine(OnOneLine(text.ToString()));
        if (logEvent.Exception is { } error)
        {
            foreach (string line in error.ToString().ReplaceLineEndings("\n").Split('\n'))
            {
                output.WriteLine("    " + OnOneLine(line));
            }
        }
    }

    /// <summary>What the message says is not said twice.</summary>
    private static void WriteRequest(LogEvent logEvent, StringWriter text)
    {
        foreach (string name in RequestEnricher.All)
        {
            if (logEvent.Properties.TryGetValue(name, out LogEventPropertyValue? value) && !IsInMessage(logEvent, name))
            {
                text.Write(' ');
                text.Write(name.ToLowerInvariant());
                text.Write('=');
                Value.Format(value, text);
            }
        }
    }

    private static bool IsInMessage(LogEvent logEvent, string name) =>
        logEvent.MessageTemplate.Tokens.OfType<PropertyToken>().Any(token => token.PropertyName == name);

    private static string? PlainValue(LogEvent logEvent, string property) =>
        logEvent.Properties.TryGetValue(property, out LogEventPropertyValue? value) && value is ScalarValue { Value: string text } ? text : null;

    private static string LevelOf(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose => "VRB",
        LogEventLevel.Debug => "DBG",
        LogEventLevel.Information => "INF",
        LogEventLevel.Warning => "WRN",
        LogEventLevel.Error => "ERR",
        _ => "FTL",
    };

    /// <summary>Control characters, and those that change the direction of text or begin a line, are written as `\u001b`.</summary>
    private static string OnOneLine(string text)
    {
        if (!text.Any(Terminal.IsUnprintable))
        {
            return text;
        }

        StringBuilder safe = new(text.Length + 16);
        foreach (char letter in text)
        {
            if (Terminal.IsUnprintable(letter))
            {
                safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            }
            else
            {
                safe.Append(letter);
            }
        }

        return safe.ToString();
    }
}
