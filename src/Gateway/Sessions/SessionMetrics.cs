using System.Diagnostics.Metrics;
using Gateway.Metrics;
using Gateway.Settings;

namespace Gateway.Sessions;

/// <summary>Counts sessions, the sign-ins that begin them, and the use of device passwords.</summary>
internal sealed class SessionMetrics : IStartAtZero
{
    private readonly Counter<long> _begun;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _signIns;
    private readonly Counter<long> _devicePasswordUses;

    private readonly string[] _providers;

    public SessionMetrics(IMeterFactory meters, SessionMemory memory, GatewaySettings settings)
    {
        _providers = [.. settings.Providers.Select(provider => provider.Id)];
        Meter meter = meters.CreateGatewayMeter();
        meter.CreateObservableUpDownCounter(
            "gateway.session.live",
            () => memory.Count,
            "{session}",
            "Sessions in the memory of this gateway, including device passwords. The store may have more, which are not in use.");
        _begun = meter.CreateCounter<long>(
            "gateway.session.begun",
            "{session}",
            "Sessions that began, by gateway.session.kind: browser or device_password.");
        _ended = meter.CreateCounter<long>("gateway.session.ended", "{session}", "Sessions that ended, by gateway.session.end.");
        _signIns = meter.CreateCounter<long>(
            "gateway.sign_in.completed",
            "{sign_in}",
            "Sign-ins that came back from a provider, by gateway.provider and gateway.sign_in.outcome: signed_in, refused (by a rule of the gateway), "
                + "asked (for a user name or about an account), failed (at the provider or at Paperless) or logged_out (by the provider meanwhile).");
        _devicePasswordUses = meter.CreateCounter<long>(
            "gateway.device_password.uses",
            "{request}",
            "Requests with a device password, by gateway.device_password.outcome: accepted, refused or unknown (the store does not answer).");
    }

    public void StartAtZero()
    {
        CountBegun("browser", 0);
        CountBegun("device_password", 0);
        CountDevicePassword("accepted", 0);
        CountDevicePassword("refused", 0);
        CountDevicePassword("unknown", 0);
        foreach (SessionEnd cause in Enum.GetValues<SessionEnd>())
        {
            Ended(cause, 0);
        }

        foreach (string provider in _providers)
        {
            foreach (SignInOutcome outcome in Enum.GetValues<SignInOutcome>())
            {
                SignIn(provider, outcome, 0);
            }
        }
    }

    public void Begun(NewSession made) => CountBegun(made.DevicePassword is null ? "browser" : "device_password");

    public void Ended(SessionEnd cause, int count = 1) => _ended.Add(count, GatewayMeter.Attribute("gateway.session.end", NameOf(cause)));

    public void SignIn(string provider, SignInOutcome outcome, int count = 1) => _signIns.Add(
        count,
        GatewayMeter.Attribute("gateway.provider", provider),
        GatewayMeter.Attribute("gateway.sign_in.outcome", NameOf(outcome)));

    public void DevicePasswordUsed(bool isValid) => CountDevicePassword(isValid ? "accepted" : "refused");

    public void DevicePasswordUnknown() => CountDevicePassword("unknown");

    private void CountBegun(string kind, long count = 1) => _begun.Add(count, GatewayMeter.Attribute("gateway.session.kind", kind));

    private void CountDevicePassword(string outcome, long count = 1) =>
        _devicePasswordUses.Add(count, GatewayMeter.Attribute("gateway.device_password.outcome", outcome));

    private static string NameOf(SessionEnd cause) => cause switch
    {
        SessionEnd.SignedOut => "signed_out",
        SessionEnd.SignedOutEverywhere => "signed_out_everywhere",
        SessionEnd.EndedByTheUser => "ended_by_the_user",
        SessionEnd.EndedByTheOperator => "ended_by_the_operator",
        SessionEnd.EndedAtTheProvider => "ended_at_the_provider",
        SessionEnd.RefusedByTheProvider => "refused_by_the_provider",
        SessionEnd.AccountGone => "account_gone",
        SessionEnd.EndedElsewhere => "ended_elsewhere",
        SessionEnd.Replaced => "replaced",
        _ => "expired",
    };

    private static string NameOf(SignInOutcome outcome) => outcome switch
    {
        SignInOutcome.SignedIn => "signed_in",
        SignInOutcome.Refused => "refused",
        SignInOutcome.Asked => "asked",
        SignInOutcome.LoggedOut => "logged_out",
        _ => "failed",
    };
}

/// <summary>What became of a sign-in that came back from a provider.</summary>
internal enum SignInOutcome
{
    SignedIn,
    Refused,
    Asked,
    Failed,
    LoggedOut,
}
