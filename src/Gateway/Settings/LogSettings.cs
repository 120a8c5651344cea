using Serilog.Events;

namespace Gateway.Settings;

/// <summary>How the log is written.</summary>
/// <param name="Level">The lowest level; null: information, or what Serilog's own setting says.</param>
/// <param name="AccessLog">Whether each request has a line; null: as <paramref name="Level"/> says.</param>
/// <param name="AuditFile">The file of the audit stream; null: none.</param>
/// <param name="AuditOnConsole">Whether the audit stream goes to standard output.</param>
internal sealed record LogSettings(LogFormat Format, LogEventLevel? Level, bool? AccessLog, string? AuditFile, bool AuditOnConsole);

internal enum LogFormat
{
    /// <summary>Text on a terminal, JSON elsewhere.</summary>
    Auto,

    Text,

    Json,
}
