using System.Reflection;
using OpenTelemetry.Resources;

namespace Gateway.Metrics;

/// <summary>The name of the gateway in metrics and traces.</summary>
internal static class GatewayResource
{
    public static void Describe(ResourceBuilder resource) => resource
        .AddService("paperless-gateway", serviceVersion: Assembly.GetExecutingAssembly().GetName().Version?.ToString(3))

        // Again: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come before the name above.
        .AddEnvironmentVariableDetector();
}
