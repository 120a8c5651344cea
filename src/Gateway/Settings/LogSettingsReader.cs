using Serilog.Events;

namespace Gateway.Settings;

/// <summary>Reads how the log is written.</summary>
internal sealed class LogSettingsReader(Variables variables)
{
    private const string Format = "GATEWAY_LOG_FORMAT";

    private const string Level = "GATEWAY_LOG_LEVEL";

    private const string AccessLog = "GATEWAY_ACCESS_LOG";

    public LogSettings Read()
    {
        string? audit = variables.Text("GATEWAY_AUDIT_LOG");
        bool isConsole = string.Equals(audit, "stdout", StringComparison.OrdinalIgnoreCase);
        string? auditFile = audit is null || isConsole ? null : Path.GetFullPath(audit);
        return new LogSettings(ReadFormat(), ReadLevel(), ReadAccessLog(), auditFile, isConsole);
    }

    private bool? ReadAccessLog() => variables.Text(AccessLog) is null ? null : variables.Flag(AccessLog);

    private LogFormat ReadFormat()
    {
        switch (variables.Text(Format)?.ToUpperInvariant())
        {
            case null or "AUTO":
                return LogFormat.Auto;
            case "TEXT":
                return LogFormat.Text;
            case "JSON":
                return LogFormat.Json;
            default:
                variables.Problem(Format, $"\"{variables.Text(Format)}\" is none of its values.", "Write auto, text or json.");
                return LogFormat.Auto;
        }
    }

    private LogEventLevel? ReadLevel()
    {
        switch (variables.Text(Level)?.ToUpperInvariant())
        {
            case null:
                return null;
            case "DEBUG":
                return LogEventLevel.Debug;
            case "INFORMATION" or "INFO":
                return LogEventLevel.Information;
            case "WARNING" or "WARN":
                return LogEventLevel.Warning;
            case "ERROR":
                return LogEventLevel.Error;
            default:
                variables.Problem(Level, $"\"{variables.Text(Level)}\" is no level.", "Write debug, information, warning or error.");
                return null;
        }
    }
}
