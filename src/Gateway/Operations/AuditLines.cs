using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Serilog.Events;
using Serilog.Formatting;

namespace Gateway.Operations;

/// <summary>Writes one JSON object a line for each event of the audit stream.</summary>
internal sealed class AuditLines : ITextFormatter
{
    public const string Category = "Gateway.Audit";

    /// <summary>The fields that every record has, in this order.</summary>
    public static readonly string[] CommonFields = ["time", "category", "id", "event", "action", "outcome"];

    public void Format(LogEvent logEvent, TextWriter output)
    {
        if (AuditEvents.Find(logEvent) is not { } audit)
        {
            return;
        }

        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteString("time", logEvent.Timestamp.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteString("category", Category);
            json.WriteNumber("id", audit.Id);
            json.WriteString("event", LoggedEvent.NameOf(logEvent));
            json.WriteString("action", audit.Action);
            json.WriteString("outcome", audit.Outcome);
            foreach ((string property, LogEventPropertyValue value) in logEvent.Properties)
            {
                if (AuditEvents.Fields.TryGetValue(property, out string? field))
                {
                    json.WritePropertyName(field);
                    Write(json, value);
                }
            }

            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(bytes.WrittenSpan));
    }

    private static void Write(Utf8JsonWriter json, LogEventPropertyValue value)
    {
        switch (value)
        {
            case SequenceValue several:
                json.WriteStartArray();
                foreach (LogEventPropertyValue one in several.Elements)
                {
                    Write(json, one);
                }

                json.WriteEndArray();
                break;
            case ScalarValue { Value: null }:
                json.WriteNullValue();
                break;
            case ScalarValue { Value: bool flag }:
                json.WriteBooleanValue(flag);
                break;
            case ScalarValue { Value: int number }:
                json.WriteNumberValue(number);
                break;
            case ScalarValue { Value: DateTimeOffset time }:
                json.WriteStringValue(time.UtcDateTime);
                break;
            case ScalarValue { Value: var scalar }:
                json.WriteStringValue(Convert.ToString(scalar, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteStringValue(value.ToString());
                break;
        }
    }
}
