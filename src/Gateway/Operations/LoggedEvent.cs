using Serilog.Events;

namespace Gateway.Operations;

/// <summary>The id and the name of a log event, which Serilog keeps as a structure among its properties.</summary>
internal static class LoggedEvent
{
    /// <summary>Null for an event without an id.</summary>
    public static int? IdOf(LogEvent logEvent) => Member(logEvent, "Id") as int?;

    /// <summary>Null for an event without a name.</summary>
    public static string? NameOf(LogEvent logEvent) => Member(logEvent, "Name") as string;

    private static object? Member(LogEvent logEvent, string name) =>
        logEvent.Properties.TryGetValue("EventId", out LogEventPropertyValue? id) && id is StructureValue structure
            ? (structure.Properties.FirstOrDefault(property => property.Name == name)?.Value as ScalarValue)?.Value
            : null;
}
