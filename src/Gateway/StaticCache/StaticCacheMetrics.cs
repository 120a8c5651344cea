using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.StaticCache;

/// <summary>Counts the requests for static files.</summary>
internal sealed class StaticCacheMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _requests = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.static_cache.requests",
        "{request}",
        "Requests for Paperless's static files, by gateway.static_cache.outcome: hit (from memory), miss (fetched from Paperless first) or forwarded.");

    public void Hit() => Count("hit");

    public void Missed() => Count("miss");

    public void Forwarded() => Count("forwarded");

    private void Count(string outcome) => _requests.Add(1, GatewayMeter.Attribute("gateway.static_cache.outcome", outcome));
}
