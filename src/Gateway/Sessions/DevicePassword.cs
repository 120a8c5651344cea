using System.Text.Json.Serialization;

namespace Gateway.Sessions;

/// <summary>What makes a session a device password: one app or scanner sends its secret with each request, in place of a browser's cookie.</summary>
/// <param name="Name">What the person calls the device, or the app calls itself.</param>
/// <param name="IsOfAppSignIn">Whether an app got it by its own single sign-on; else a person made it.</param>
internal sealed record DevicePassword(string Name, DeviceScope Scope, bool IsOfAppSignIn = false);

/// <summary>What a device password opens.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeviceScope>))]
internal enum DeviceScope
{
    /// <summary>The whole API.</summary>
    Full,

    /// <summary>Uploads, and the lists that an app reads when it starts. No documents.</summary>
    UploadOnly,
}
