using System.Text.Json.Serialization;

namespace Gateway.Sessions;

/// <summary>What makes a session a device password: one app or scanner sends its secret with each request, in place of a browser's cookie.</summary>
/// <param name="Name">What the person calls the device.</param>
internal sealed record DevicePassword(string Name, DeviceScope Scope);

/// <summary>What a device password opens.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeviceScope>))]
internal enum DeviceScope
{
    /// <summary>The whole API.</summary>
    Full,

    /// <summary>Uploads, and the lists that an app reads when it starts. No documents.</summary>
    UploadOnly,
}
