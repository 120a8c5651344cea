using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.SignOut;

/// <summary>Counts the logout tokens of back-channel logouts.</summary>
internal sealed class LogoutTokenMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _tokens = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.logout_tokens",
        "{token}",
        "Logout tokens that came, by gateway.logout_token.outcome: accepted, refused or postponed (answered 503, so that the provider sends it again).");

    public void Accepted() => Count("accepted");

    public void Refused() => Count("refused");

    public void Postponed() => Count("postponed");

    private void Count(string outcome) => _tokens.Add(1, GatewayMeter.Attribute("gateway.logout_token.outcome", outcome));
}
