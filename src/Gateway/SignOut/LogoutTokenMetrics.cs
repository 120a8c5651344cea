using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.SignOut;

/// <summary>Counts the logout tokens of back-channel logouts.</summary>
internal sealed class LogoutTokenMetrics(IMeterFactory meters) : IStartAtZero
{
    private readonly Counter<long> _tokens = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.logout_tokens",
        "{token}",
        "Logout tokens that came, by gateway.logout_token.outcome: accepted, refused or postponed (answered 503, so that the provider sends it again).");

    public void StartAtZero()
    {
        Count("accepted", 0);
        Count("refused", 0);
        Count("postponed", 0);
    }

    public void Accepted() => Count("accepted");

    public void Refused() => Count("refused");

    public void Postponed() => Count("postponed");

    private void Count(string outcome, long count = 1) => _tokens.Add(count, GatewayMeter.Attribute("gateway.logout_token.outcome", outcome));
}
