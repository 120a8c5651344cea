using System.Diagnostics.Metrics;
using Gateway.Metrics;

namespace Gateway.Access;

/// <summary>Counters of failed credentials and of refused attempts. Their attributes are of a fixed set: no address, no user name.</summary>
internal sealed class CredentialMetrics : IStartAtZero
{
    public const string Failures = "gateway.credential.failures";

    public const string Refusals = "gateway.credential.refusals";

    private readonly Counter<long> _failures;
    private readonly Counter<long> _refusals;

    public CredentialMetrics(IMeterFactory meters)
    {
        Meter meter = meters.CreateGatewayMeter();
        _failures = meter.CreateCounter<long>(
            Failures,
            "{failure}",
            "Passwords and tokens that were wrong, by gateway.credential.kind: password, api_token, device_password or bearer_token.");
        _refusals = meter.CreateCounter<long>(
            Refusals,
            "{request}",
            "Attempts that were refused because of earlier failures, by gateway.credential.kind.");
    }

    public void StartAtZero()
    {
        foreach (CredentialKind kind in Enum.GetValues<CredentialKind>())
        {
            Count(_failures, kind, 0);
            Count(_refusals, kind, 0);
        }
    }

    public void Failed(CredentialKind kind) => Count(_failures, kind, 1);

    public void Refused(CredentialKind kind) => Count(_refusals, kind, 1);

    private static void Count(Counter<long> counter, CredentialKind kind, long count) =>
        counter.Add(count, GatewayMeter.Attribute("gateway.credential.kind", NameOf(kind)));

    private static string NameOf(CredentialKind kind) => kind switch
    {
        CredentialKind.Password => "password",
        CredentialKind.ApiToken => "api_token",
        CredentialKind.DevicePassword => "device_password",
        _ => "bearer_token",
    };
}
