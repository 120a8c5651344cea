using System.Diagnostics.Metrics;

namespace Gateway.Metrics;

/// <summary>
/// The meter of the gateway's own instruments. Their attributes have a fixed set of values: no user name, address, session or token. An instrument
/// names its attribute in its description.
/// </summary>
internal static class GatewayMeter
{
    public const string Name = "Gateway";

    public static Meter CreateGatewayMeter(this IMeterFactory meters) => meters.Create(Name);

    public static KeyValuePair<string, object?> Attribute(string name, string value) => new(name, value);
}
