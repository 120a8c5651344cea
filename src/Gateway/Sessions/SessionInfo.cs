using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.DataProtection;

namespace Gateway.Sessions;

/// <summary>The part of a session that lists show.</summary>
/// <param name="Device">The browser's `User-Agent` header, truncated.</param>
/// <param name="Address">The IP address of the sign-in; of a device password, the address from which it was last used.</param>
/// <param name="DevicePassword">Null for a browser's session.</param>
internal sealed record SessionInfo(
    string Username,
    int UserId,
    string Provider,
    string Issuer,
    string Subject,
    string Device,
    string Address,
    DateTimeOffset SignedInAt,
    DevicePassword? DevicePassword = null);

/// <summary>Encrypts <see cref="SessionInfo"/> with the gateway's data-protection keys, so that a copy of the store does not tell who is signed in.</summary>
internal sealed class SessionInfoProtector(IDataProtectionProvider protection)
{
    private readonly IDataProtector _protector = protection.CreateProtector("session info 1");

    public byte[] Protect(SessionInfo info) => _protector.Protect(JsonSerializer.SerializeToUtf8Bytes(info, SessionInfoJson.Default.SessionInfo));

    /// <returns>Null if the bytes are damaged or their key is gone.</returns>
    public SessionInfo? Unprotect(byte[] info)
    {
        try
        {
            return JsonSerializer.Deserialize(_protector.Unprotect(info), SessionInfoJson.Default.SessionInfo);
        }
        catch (Exception error) when (error is CryptographicException or JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SessionInfo))]
internal sealed partial class SessionInfoJson : JsonSerializerContext;
