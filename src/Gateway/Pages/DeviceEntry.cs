using Gateway.Sessions;

namespace Gateway.Pages;

/// <summary>A device password in the list at `/gateway/apps`.</summary>
/// <param name="Id">Identifies it and gives no access.</param>
/// <param name="Opens">Its scope.</param>
/// <param name="UsedAt">Null if it was not used yet.</param>
/// <param name="Address">From where it was last used.</param>
/// <param name="ExpiresAt">Null if it has no end of its own.</param>
public sealed record DeviceEntry(
    string Id,
    string Name,
    PageText Opens,
    DateTimeOffset MadeAt,
    DateTimeOffset? UsedAt,
    string Address,
    DateTimeOffset? ExpiresAt)
{
    internal static DeviceEntry From(ListedSession device) => new(
        device.Id,
        device.Info.DevicePassword!.Name,
        OpensText(device.Info.DevicePassword.Scope),
        device.Info.SignedInAt,
        device.DeviceUsedAt,
        device.Info.Address,
        device.DeviceExpiresAt);

    internal static PageText OpensText(DeviceScope scope) => scope == DeviceScope.Full ? "Everything" : "Uploads only";
}
