using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.Pages;

/// <summary>Counts refusals. The codes are a fixed set.</summary>
internal sealed class RefusalMetrics(IMeterFactory meters) : IStartAtZero
{
    /// <summary>The codes that an alert asks for. The other codes appear with their first refusal.</summary>
    private static readonly string[] AlertedCodes =
    [
        "paperless_away", "paperless_connection_insecure", "paperless_error", "paperless_name_unknown", "paperless_other", "paperless_profile_unread",
        "paperless_refused", "paperless_slow", "paperless_token_missing", "paperless_token_not_superuser", "paperless_token_refused",
        "paperless_unavailable", "store_away", "store_unavailable",
    ];

    private readonly Counter<long> _refusals = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.refusals",
        "{refusal}",
        "Refusals, by gateway.refusal.code: the code in the log event Refused and in problem details.");

    public void StartAtZero()
    {
        foreach (string code in AlertedCodes)
        {
            Count(code, 0);
        }
    }

    public void Refused(Refusal refusal) => Count(refusal.Code, 1);

    private void Count(string code, long count) => _refusals.Add(count, GatewayMeter.Attribute("gateway.refusal.code", code));
}
