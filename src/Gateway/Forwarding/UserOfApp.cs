using Gateway.Paperless;
using Gateway.Sessions;

namespace Gateway.Forwarding;

/// <summary>The Paperless user in whose name an app's request is forwarded: what Paperless is sent for it.</summary>
/// <param name="Device">The device password that the app sent; null for an access token of a provider.</param>
/// <param name="Token">Sent with a request of the API; null for a WebSocket.</param>
/// <param name="Session">Sent with the handshake of a WebSocket, because Paperless takes no token there; null for a request of the API.</param>
internal sealed record UserOfApp(DeviceRequest? Device, UserApiToken? Token, UserSession? Session = null)
{
    /// <summary>The access token of a provider that the app sent; null for a device password. It never reaches Paperless.</summary>
    public string? BearerToken { get; init; }

    /// <summary>For logs and debuggers: leaves out the tokens.</summary>
    public override string ToString() => nameof(UserOfApp);
}
