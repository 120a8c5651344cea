namespace Gateway.Settings;

/// <summary>Whether there are traces, and how many.</summary>
/// <param name="Endpoint">Where they are sent, if not to `OTEL_EXPORTER_OTLP_ENDPOINT`.</param>
/// <param name="Ratio">The share of requests that are recorded, where nobody trusted has decided before.</param>
/// <param name="FollowsParent">Whether the decision of a trusted proxy counts.</param>
internal sealed record TracingSettings(bool IsOn, Uri? Endpoint, double Ratio, bool FollowsParent);
