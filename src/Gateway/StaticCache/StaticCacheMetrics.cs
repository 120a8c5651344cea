using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.StaticCache;

/// <summary>Counts the requests for static files.</summary>
internal sealed class StaticCacheMetrics(IMeterFactory meters) : IStartAtZero
{
    private readonly Counter<long> _requests = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.static_cache.requests",
        "{request}",
        "Requests for Paperless's static files, by gateway.static_cache.outcome: hit (from memory), miss (fetched from Paperless first) or forwarded.");

    public void StartAtZero()
    {
        Count("hit", 0);
        Count("miss", 0);
        Count("forwarded", 0);
    }

    public void Hit() => Count("hit");

    public void Missed() => Count("miss");

    public void Forwarded() => Count("forwarded");

    private void Count(string outcome, long count = 1) => _requests.Add(count, GatewayMeter.Attribute("gateway.static_cache.outcome", outcome));
}
