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

/// <summary>What the person who runs the gateway meets: the log, health, the way it starts and stops, its limits.</summary>
internal static class OperationsFeature
{
    /// <summary>How long work under way may take after SIGTERM.</summary>
    public static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);

    /// <param name="serves">False for a command: its output is its own, so the log goes to standard error, as text for the person who gave it.</param>
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
        builder.Services.AddSingleton<SessionsCommand>();
        builder.Services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = GracePeriod;

            // Both servers at once. Nothing else that starts takes time, and each part begins in the order in which it was added.
            options.ServicesStartConcurrently = true;

            // Each loop catches its own failures; one that should get through is logged by the host and ends nothing else.
            options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });

        // HTTP/3 where there is a certificate and the machine has QUIC; elsewhere Kestrel leaves it out, and `Alt-Svc` with it. As the
        // first of all sources, so that the operator's word goes over it; what is set in code would go over the operator's.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [KeyValuePair.Create<string, string?>("Kestrel:EndpointDefaults:Protocols", nameof(HttpProtocols.Http1AndHttp2AndHttp3))],
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Uploads of any size stream through; everything else keeps Kestrel's own limits.
            kestrel.Limits.MaxRequestBodySize = null;

            // Bytes for bytes, to and from Paperless. A length is read as digits: with an encoding of its own, Kestrel breaks off and logs a
            // stack trace where one has more than 20 of them.
            kestrel.RequestHeaderEncodingSelector = name => name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) ? null : Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        });
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
        {
            // None, said explicitly: ASPNETCORE_FORWARDEDHEADERS_ENABLED would otherwise believe everybody.
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
    /// The request log, and an answer for every exception; then a host that is one; then the headers of proxies that are trusted, and of no
    /// others.
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

                // It warns at every start that the keys in the data directory are not encrypted; docs/operating.md says so once.
                .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection", LogEventLevel.Error)
                .MinimumLevel.Override("Yarp", LogEventLevel.Error)

                // It logs every failed sign-in as an error with its exception; the gateway says it in one line, without the exception.
                .MinimumLevel.Override("Microsoft.AspNetCore.Authentication", LogEventLevel.Fatal)
                .MinimumLevel.Override(typeof(CorrelatedSignInHandler).FullName!, LogEventLevel.Fatal)

                // It warns of each check that fails, with the exception; the management server says it in one line.
                .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", LogEventLevel.Fatal)

                // Its only part would be a scope around each request.
                .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)

                // The command says it in a sentence; what the framework cancels because of it has nothing to add.
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
                // A command says what it did in words of its own; who became whom is said in the log all the same.
                log.MinimumLevel.Override("Gateway", LogEventLevel.Warning).MinimumLevel.Override("Gateway.SecurityLog", LogEventLevel.Information);
            }

            if (!services.GetServices<ILogEventSink>().Any())
            {
                // A host that brings a sink of its own, as the tests do, reads the log there.
                WriteToConsole(log.WriteTo, development, serves);
            }
        },

        // Each host its own: the static logger would be the last one's, and closed with the first one's.
        preserveStaticLogger: true);
    }

    /// <summary>The host's word that a background service failed is no such thing: nothing else would say it.</summary>
    private static bool IsCanceledByTheFramework(LogEvent entry) =>
        entry.Exception is OperationCanceledException && Matching.FromSource("Microsoft")(entry) && !Matching.FromSource("Microsoft.Extensions.Hosting")(entry);

    /// <summary>Kestrel warns that an address without TLS is for HTTP/1.1 only: nobody asked it for more there.</summary>
    private static bool IsAboutPlainHttp(LogEvent entry) =>
        entry.Level == LogEventLevel.Warning && entry.Properties.TryGetValue("EventId", out LogEventPropertyValue? id) && id is StructureValue structure
        && structure.Properties
            .Any(property => property is { Name: "Name", Value: ScalarValue { Value: "Http2DisabledWithHttp1AndNoTls" or "Http3DisabledWithHttp1AndNoTls" } });

    private static void WriteToConsole(LoggerSinkConfiguration sink, bool development, bool serves)
    {
        if (development || !serves)
        {
            // Values as JSON, so that none of them begins a line of its own.
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

    /// <summary>What ASP.NET Core puts on every line of a request: its path, which is the key of a share link, and what the trace id says already.</summary>
    private sealed class WithoutRequestScope : ILogEventEnricher
    {
        public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
        {
            logEvent.RemovePropertyIfPresent("RequestPath");
            logEvent.RemovePropertyIfPresent("ConnectionId");
        }
    }
}
