using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.Pages;

/// <summary>Counts refusals. The codes are a fixed set.</summary>
internal sealed class RefusalMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _refusals = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.refusals",
        "{refusal}",
        "Refusals, by gateway.refusal.code: the code in the log event Refused and in problem details.");

    public void Refused(Refusal refusal) => _refusals.Add(1, GatewayMeter.Attribute("gateway.refusal.code", refusal.Code));
}
