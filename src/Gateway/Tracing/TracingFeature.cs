using Gateway.Metrics;
using Gateway.Settings;
using OpenTelemetry.Trace;

namespace Gateway.Tracing;

/// <summary>Traces by OpenTelemetry, sent by OTLP: one span for each request, and one for each request to Paperless or to a provider.</summary>
internal static class TracingFeature
{
    /// <summary>.NET's own spans of requests by HttpClient, with which YARP forwards, too. They send `traceparent` on.</summary>
    private const string HttpClientSource = "System.Net.Http";

    /// <param name="serves">False for a command, which has no traces.</param>
    public static void AddTracing(this WebApplicationBuilder builder, TracingSettings settings, bool serves)
    {
        builder.Services.AddSingleton<RequestTracing>();
        if (!settings.IsOn || !serves)
        {
            return;
        }

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(GatewayResource.Describe)
            .WithTracing(tracing => tracing
                .AddSource(RequestTracing.SourceName, HttpClientSource)
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(settings.Ratio)))
                .AddProcessor(new SpanRedaction())

                // Reads the standard `OTEL_*` variables itself, but for this one. An address that is set here is the whole one; without, the exporter
                // adds `/v1/traces` to `OTEL_EXPORTER_OTLP_ENDPOINT`.
                .AddOtlpExporter(options =>
                {
                    if (settings.Endpoint is { } endpoint)
                    {
                        options.Endpoint = endpoint;
                    }
                }));
    }
}
