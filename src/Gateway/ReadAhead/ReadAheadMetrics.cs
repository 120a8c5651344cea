using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.ReadAhead;

/// <summary>Counts the answers that the gateway asked for ahead.</summary>
internal sealed class ReadAheadMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _answers = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.read_ahead.answers",
        "{answer}",
        "Answers of Paperless that the gateway asked for before the page did, by gateway.read_ahead.outcome: used, unused (the page did not ask, or the "
            + "answer could not be held) or discarded (something changed meanwhile, or the session ended).");

    public void Used() => Count("used");

    public void Unused() => Count("unused");

    public void Discarded() => Count("discarded");

    private void Count(string outcome) => _answers.Add(1, GatewayMeter.Attribute("gateway.read_ahead.outcome", outcome));
}
