using System.Globalization;
using System.Text;
using Gateway.Access;
using Gateway.Settings;
using Gateway.SignIn;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Net.Http.Headers;
using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Filters;
using Serilog.Formatting.Compact;
using Serilog.Settings.Configuration;

namespace Gateway.Operations;

/// <summary>Logging, health checks, start and shutdown, and the limits of the server.</summary>
internal static class OperationsFeature
{
    /// <summary>How long running requests may take after SIGTERM.</summary>
    public static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);

    /// <param name="serves">False for a command: its output goes to standard output, so the log goes to standard error as readable text.</param>
    public static void AddOperations(this WebApplicationBuilder builder, GatewaySettings settings, bool serves)
    {
        AddLog(builder, serves);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Outbound>();
        builder.Services.AddSingleton<RequestLine>();
        builder.Services.AddGatewayHealth(settings);
        builder.Services.AddSingleton<ManagementServer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ManagementServer>());
        builder.Services.AddSingleton<AccountsCommand>();
        builder.Services.AddSingleton<AccountsImport>();
        builder.Services.AddSingleton<PendingLinksCommand>();
        builder.Services.AddSingleton<NamedUsers>();
        builder.Services.AddSingleton<SessionsCommand>();
        builder.Services.AddSingleton<AppsCommand>();
        builder.Services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = GracePeriod;

            // Starts both servers in parallel. All other services start quickly, in the order of their registration.
            options.ServicesStartConcurrently = true;

            // Background loops catch their own exceptions. The host logs any other exception and continues.
            options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });

        // Enables HTTP/3. Kestrel ignores it without a certificate or QUIC, and then also omits `Alt-Svc`. It is the first configuration source, so
        // that the operator can override it; a value that is set in code could not be overridden.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [KeyValuePair.Create<string, string?>("Kestrel:EndpointDefaults:Protocols", nameof(HttpProtocols.Http1AndHttp2AndHttp3))],
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Uploads of any size are streamed. All other limits of Kestrel apply.
            kestrel.Limits.MaxRequestBodySize = null;

            // Latin-1 keeps header bytes unchanged between clients and Paperless. Content-Length needs Kestrel's default: with another encoding, Kestrel
            // throws at more than 20 digits and logs a stack trace.
            kestrel.RequestHeaderEncodingSelector = name => name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) ? null : Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        });
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
        {
            // None must be set explicitly: otherwise ASPNETCORE_FORWARDEDHEADERS_ENABLED would trust every client.
            options.ForwardedHeaders = settings.TrustedProxies.IsEmpty
                ? ForwardedHeaders.None
                : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedHost;
            options.ForwardLimit = null;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (System.Net.IPNetwork network in settings.TrustedProxies)
            {
                options.KnownIPNetworks.Add(network);
            }
        });
    }

    /// <summary>
    /// Adds the request log, which answers every exception; then the check of the Host header; then forwarded headers, from trusted proxies only.
    /// </summary>
    public static void UseOperations(this WebApplication app, GatewaySettings settings)
    {
        app.UseMiddleware<RequestLog>();
        app.UseHostGuard();
        if (!settings.TrustedProxies.IsEmpty)
        {
            app.UseForwardedHeaders();
        }
    }

    private static void AddLog(WebApplicationBuilder builder, bool serves)
    {
        bool development = builder.Environment.IsDevelopment();
        builder.Services.AddSerilog((services, log) =>
        {
            log.MinimumLevel.Information()
                .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
                .MinimumLevel.Override("Microsoft.Hosting.Lifetime", LogEventLevel.Information)
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
                .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)

                // CommandLine reports an address in use in a sentence. The cancellations that follow add no information.
                .Filter.ByExcluding(entry => CommandLine.IsAddressInUse(entry.Exception)
                    || IsCanceledByTheFramework(entry)
                    || IsAboutPlainHttp(entry))
                .ReadFrom.Configuration(
                    builder.Configuration,
                    new ConfigurationReaderOptions(typeof(ConsoleLoggerConfigurationExtensions).Assembly, typeof(FileLoggerConfigurationExtensions).Assembly))
                .ReadFrom.Services(services)
                .Enrich.With<WithoutRequestScope>();
            if (!serves)
            {
                // A command writes its result itself. Security events are logged, too.
                log.MinimumLevel.Override("Gateway", LogEventLevel.Warning).MinimumLevel.Override("Gateway.SecurityLog", LogEventLevel.Information);
            }

            if (!services.GetServices<ILogEventSink>().Any())
            {
                // Hosts with their own sink, such as the tests, do not log to the console.
                WriteToConsole(log.WriteTo, development, serves);
            }
        },

        // Each host has its own logger. Hosts that share the static logger would replace and close it.
        preserveStaticLogger: true);
    }

    /// <summary>Excludes Microsoft.Extensions.Hosting: only the host reports that a background service failed.</summary>
    private static bool IsCanceledByTheFramework(LogEvent entry) =>
        entry.Exception is OperationCanceledException && Matching.FromSource("Microsoft")(entry) && !Matching.FromSource("Microsoft.Extensions.Hosting")(entry);

    /// <summary>Kestrel warns that an address without TLS supports only HTTP/1.1. That is intended.</summary>
    private static bool IsAboutPlainHttp(LogEvent entry) =>
        entry.Level == LogEventLevel.Warning && entry.Properties.TryGetValue("EventId", out LogEventPropertyValue? id) && id is StructureValue structure
        && structure.Properties
            .Any(property => property is { Name: "Name", Value: ScalarValue { Value: "Http2DisabledWithHttp1AndNoTls" or "Http3DisabledWithHttp1AndNoTls" } });

    private static void WriteToConsole(LoggerSinkConfiguration sink, bool development, bool serves)
    {
        if (development || !serves)
        {
            // Values are written as JSON, so that a value cannot begin a new log line.
            sink.Console(
                outputTemplate: "{Timestamp:HH:mm:ss} {Level:u3} {SourceContext} {Message:j}{NewLine}{Exception}",
                formatProvider: CultureInfo.InvariantCulture,
                standardErrorFromLevel: serves ? null : LogEventLevel.Verbose);
        }
        else
        {
            sink.Sink(new ConsoleLines(new CompactJsonFormatter(), Console.OpenStandardOutput()));
        }
    }

    /// <summary>Removes properties that ASP.NET Core adds to all lines of a request: the path may contain the secret of a share link, and the
    /// connection is part of the trace id.</summary>
    private sealed class WithoutRequestScope : ILogEventEnricher
    {
        public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
        {
            logEvent.RemovePropertyIfPresent("RequestPath");
            logEvent.RemovePropertyIfPresent("ConnectionId");
        }
    }
}
