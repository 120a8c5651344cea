using System.Globalization;
using Gateway.Settings;
using Gateway.SignIn;
using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Filters;
using Serilog.Formatting;
using Serilog.Formatting.Compact;
using Serilog.Settings.Configuration;

namespace Gateway.Operations;

/// <summary>The log, and the audit stream beside it.</summary>
internal static class LogFeature
{
    private const string SecurityLog = "Gateway.SecurityLog";

    private const string AccessLog = "Gateway.AccessLog";

    /// <param name="serves">False for a command: its output goes to standard output, so the log goes to standard error as readable text.</param>
    public static void AddLog(this WebApplicationBuilder builder, LogSettings settings, bool serves)
    {
        bool isText = IsText(settings.Format, builder.Environment.IsDevelopment(), Console.IsOutputRedirected);
        bool hasAudit = settings.AuditFile is not null || (settings.AuditOnConsole && serves);
        AuditSink? auditFile = settings.AuditFile is { } path ? OpenAudit(path, serves) : null;
        builder.Services.AddSerilog((services, log) =>
        {
            SetLevels(log, settings);
            log.Filter
                .ByExcluding(entry => CommandLine.IsAddressInUse(entry.Exception)
                    || IsCanceledByTheFramework(entry)
                    || IsAboutPlainHttp(entry))
                .ReadFrom.Configuration(
                    builder.Configuration,
                    new ConfigurationReaderOptions(typeof(ConsoleLoggerConfigurationExtensions).Assembly, typeof(FileLoggerConfigurationExtensions).Assembly))
                .ReadFrom.Services(services)
                .Enrich.With<RequestEnricher>();
            if (!serves)
            {
                // A command writes its result itself. Security events are logged, too.
                log.MinimumLevel.Override("Gateway", LogEventLevel.Warning).MinimumLevel.Override(SecurityLog, LogEventLevel.Information);
            }

            LogEventLevel lowest = LevelAlias.Minimum;
            if (hasAudit)
            {
                // The audit stream is complete, however quiet the log is.
                log.MinimumLevel.Override(SecurityLog, LogEventLevel.Information);
                lowest = settings.Level ?? lowest;
            }

            if (auditFile is not null)
            {
                log.WriteTo.Sink(auditFile);
            }

            if (services.GetServices<ILogEventSink>().Any())
            {
                // Hosts with their own sink, such as the tests, do not log to the console.
                return;
            }

            if (serves)
            {
                ITextFormatter lines = isText ? new TextLines() : new RenderedCompactJsonFormatter();
                log.WriteTo.Sink(StandardOutput(new LevelLines(lines, lowest), settings.AuditOnConsole));
            }
            else
            {
                WriteToStandardError(log.WriteTo, lowest);
            }
        },

        // Each host has its own logger. Hosts that share the static logger would replace and close it.
        preserveStaticLogger: true);
    }

    private static void SetLevels(LoggerConfiguration log, LogSettings settings)
    {
        log.MinimumLevel.Is(settings.Level ?? LogEventLevel.Information)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Hosting.Lifetime", settings.Level ?? LogEventLevel.Information)
            .MinimumLevel.Override("System", LogEventLevel.Warning)

            // Warns at every start that the keys in the data directory are not encrypted. docs/operating.md explains it.
            .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection", LogEventLevel.Error)
            .MinimumLevel.Override("Yarp", LogEventLevel.Error)

            // Logs every failed sign-in as an error with an exception. The gateway logs one line instead.
            .MinimumLevel.Override("Microsoft.AspNetCore.Authentication", LogEventLevel.Fatal)
            .MinimumLevel.Override(typeof(CorrelatedSignInHandler).FullName!, LogEventLevel.Fatal)

            // Logs each failed check with an exception. The management server logs one line instead.
            .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", LogEventLevel.Fatal)

            // Would only add a scope to each request.
            .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off);
        if (settings.AccessLog is { } isOn)
        {
            log.MinimumLevel.Override(AccessLog, isOn ? LogEventLevel.Information : LogEventLevel.Warning);
        }
    }

    public static bool IsText(LogFormat format, bool isDevelopment, bool isRedirected) =>
        format == LogFormat.Text || (format == LogFormat.Auto && (isDevelopment || !isRedirected));

    /// <param name="serves">False for a command: it opens the file only for its first record.</param>
    /// <exception cref="SettingsException">The file cannot be written.</exception>
    private static AuditSink OpenAudit(string path, bool serves)
    {
        AppendedFile file = new(path);
        try
        {
            if (serves)
            {
                file.Append([]);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException([new("GATEWAY_AUDIT_LOG", $"{path} cannot be written ({error.Message}).", "Name a file in a directory that exists.")]);
        }

        return new AuditSink(file, count => ReportDropped($"{count} records of the audit stream", $"{path} was not written to fast enough"));
    }

    private static ConsoleLines StandardOutput(LevelLines lines, bool hasAudit)
    {
        if (!hasAudit)
        {
            return new ConsoleLines(lines, Console.OpenStandardOutput());
        }

        return new ConsoleLines(new BothLines(lines, new AuditLines()), Console.OpenStandardOutput(), reportDropped: ReportDropped);
    }

    /// <summary>The line about them in the log may be below its level.</summary>
    private static void ReportDropped(int count) =>
        ReportDropped($"{count} log lines and records of the audit stream", "standard output was not read");

    private static void ReportDropped(string what, string why) => Console.Error.WriteLine($"{what} were dropped: {why}.");

    /// <summary>Excludes Microsoft.Extensions.Hosting: only the host reports that a background service failed.</summary>
    private static bool IsCanceledByTheFramework(LogEvent entry) =>
        entry.Exception is OperationCanceledException && Matching.FromSource("Microsoft")(entry) && !Matching.FromSource("Microsoft.Extensions.Hosting")(entry);

    /// <summary>Kestrel warns that an address without TLS supports only HTTP/1.1. That is intended.</summary>
    private static bool IsAboutPlainHttp(LogEvent entry) =>
        entry.Level == LogEventLevel.Warning && LoggedEvent.NameOf(entry) is "Http2DisabledWithHttp1AndNoTls" or "Http3DisabledWithHttp1AndNoTls";

    /// <summary>Values are written as JSON, so that a value cannot begin a new log line.</summary>
    private static void WriteToStandardError(LoggerSinkConfiguration sink, LogEventLevel lowest) => sink.Console(
        restrictedToMinimumLevel: lowest,
        outputTemplate: "{Timestamp:HH:mm:ss} {Level:u3} {SourceContext} {Message:j}{NewLine}{Exception}",
        formatProvider: CultureInfo.InvariantCulture,
        standardErrorFromLevel: LogEventLevel.Verbose);

    private sealed class LevelLines(ITextFormatter lines, LogEventLevel lowest) : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            if (logEvent.Level >= lowest)
            {
                lines.Format(logEvent, output);
            }
        }
    }

    /// <summary>Two writers on one standard output would mix their lines.</summary>
    private sealed class BothLines(ITextFormatter log, ITextFormatter audit) : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            log.Format(logEvent, output);
            audit.Format(logEvent, output);
        }
    }
}
