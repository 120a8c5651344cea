using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.Recheck;

/// <summary>Counts rechecks by the answer of the provider.</summary>
internal sealed class RecheckMetrics(IMeterFactory meters) : IStartAtZero
{
    private readonly Counter<long> _rechecks = meters.CreateGatewayMeter().CreateCounter<long>(
        "gateway.rechecks",
        "{recheck}",
        "Rechecks of sessions at the provider, by gateway.recheck.answer: confirmed, denied, refused (of the refresh token, which may say nothing about "
            + "the person), round_trip (only the browser can ask) or none (no usable answer of the provider or of Paperless).");

    public void StartAtZero()
    {
        foreach (string answer in (string[])["confirmed", "denied", "refused", "round_trip", "none"])
        {
            Count(answer, 0);
        }
    }

    /// <param name="answer">Null if the question failed.</param>
    /// <param name="isApplied">False if Paperless did not answer.</param>
    public void Answered(RecheckAnswer? answer, bool isApplied) => Count(isApplied ? NameOf(answer) : "none");

    /// <summary>A silent authentication has confirmed the session.</summary>
    public void Confirmed() => Count("confirmed");

    /// <summary>A silent authentication has ended the session.</summary>
    public void Denied() => Count("denied");

    /// <summary>A silent authentication has brought nothing that counts.</summary>
    public void Unanswered() => Count("none");

    private void Count(string answer, long count = 1) => _rechecks.Add(count, GatewayMeter.Attribute("gateway.recheck.answer", answer));

    private static string NameOf(RecheckAnswer? answer) => answer switch
    {
        RecheckAnswer.Confirmed => "confirmed",
        RecheckAnswer.Denied => "denied",
        RecheckAnswer.Refused => "refused",
        RecheckAnswer.RoundTrip => "round_trip",
        _ => "none",
    };
}
