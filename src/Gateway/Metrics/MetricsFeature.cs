using Gateway.Settings;
using Microsoft.Extensions.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace Gateway.Metrics;

/// <summary>Metrics by OpenTelemetry: Prometheus reads them at the management address, and `OTEL_EXPORTER_OTLP_ENDPOINT` sends them elsewhere.</summary>
internal static class MetricsFeature
{
    /// <summary>At the management address.</summary>
    public const string Path = "/metrics";

    /// <summary>The name of OpenTelemetry's listener in the rules of `Microsoft.Extensions.Diagnostics`.</summary>
    private const string Listener = "OpenTelemetry";

    /// <summary>The meters of this host. Another host in the process, such as the management server, has meters of the same names.</summary>
    private static readonly string[] MetersOfTheHost = [GatewayMeter.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    /// <summary>The meters that a process has once. HttpClient's contain the calls to Paperless, which YARP makes, and to the providers.</summary>
    private static readonly string[] MetersOfTheProcess = ["System.Net.Http", "System.Runtime"];

    /// <summary>Adds counters, and their series at the start.</summary>
    public static void AddCounters<T>(this IServiceCollection services)
        where T : class, IStartAtZero
    {
        services.AddSingleton<T>();
        services.AddSingleton<IStartAtZero>(provider => provider.GetRequiredService<T>());
    }

    /// <param name="serves">False for a command, which nobody scrapes.</param>
    public static void AddGatewayMetrics(this WebApplicationBuilder builder, MetricsSettings settings, bool serves)
    {
        if (!settings.IsOn || !serves)
        {
            // Nothing listens, so an instrument costs a comparison.
            return;
        }

        foreach (string meter in MetersOfTheHost)
        {
            builder.Metrics.EnableMetrics(meter, instrumentName: null, Listener, MeterScope.Local);
        }

        foreach (string meter in MetersOfTheProcess)
        {
            builder.Metrics.EnableMetrics(meter, instrumentName: null, Listener, MeterScope.Global);
        }

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(GatewayResource.Describe)
            .WithMetrics(metrics =>
            {
                // Each answer is of now.
                metrics.AddPrometheusExporter(options => options.ScrapeResponseCacheDurationMilliseconds = 0);
                if (settings.OtlpEndpoint is not null)
                {
                    // Reads the standard `OTEL_*` variables itself.
                    metrics.AddOtlpExporter();
                }
            });
        builder.Services.AddHostedService<CountersAtZero>();
    }
}
