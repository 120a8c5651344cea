using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Sessions;

namespace Gateway.Operations;

/// <summary>A device password in the output of `Gateway apps`.</summary>
/// <param name="Scope">`full` or `upload_only`.</param>
/// <param name="Address">From where it was last used.</param>
/// <param name="UsedAt">Null if it was not used yet.</param>
/// <param name="ExpiresAt">Null if it has no end of its own.</param>
internal sealed record ListedDevicePassword(
    string Id,
    int UserId,
    string Username,
    string Provider,
    string Issuer,
    string Subject,
    string Name,
    string Scope,
    string Address,
    DateTimeOffset MadeAt,
    DateTimeOffset? UsedAt,
    DateTimeOffset? ExpiresAt);

/// <summary>Writes device passwords as JSON or as a table.</summary>
internal static class DevicePasswordText
{
    private static readonly string[] Head = ["ID", "USER", "NAME", "SCOPE", "MADE AT", "LAST USED AT", "FROM", "EXPIRES AT"];

    public static string Json(IEnumerable<ListedSession> devices)
        => JsonSerializer.Serialize([.. devices.Select(From)], DevicePasswordJson.Default.ListedDevicePasswordArray);

    public static string Table(IEnumerable<ListedSession> devices) => Terminal.Table(Head, devices.Select(From).Select(device => new[]
    {
        device.Id,
        device.Username,
        device.Name,
        device.Scope,
        Terminal.Time(device.MadeAt),
        device.UsedAt is { } used ? Terminal.Time(used) : "not yet",
        device.UsedAt is null ? "" : device.Address,
        device.ExpiresAt is { } end ? Terminal.Time(end) : "when it is ended",
    }));

    private static ListedDevicePassword From(ListedSession device) => new(
        device.Id,
        device.Info.UserId,
        device.Info.Username,
        device.Info.Provider,
        device.Info.Issuer,
        device.Info.Subject,
        device.Info.DevicePassword!.Name,
        device.Info.DevicePassword.Scope == DeviceScope.Full ? "full" : "upload_only",
        device.Info.Address,
        device.Info.SignedInAt,
        device.DeviceUsedAt,
        device.DeviceExpiresAt);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ListedDevicePassword[]))]
internal sealed partial class DevicePasswordJson : JsonSerializerContext;
