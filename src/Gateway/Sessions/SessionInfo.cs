using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.DataProtection;

namespace Gateway.Sessions;

/// <summary>What lists of sessions show of one.</summary>
/// <param name="Device">The browser's `User-Agent`, bounded.</param>
/// <param name="Address">Where the sign-in came from.</param>
internal sealed record SessionInfo(
    string Username,
    int UserId,
    string Provider,
    string Issuer,
    string Subject,
    string Device,
    string Address,
    DateTimeOffset SignedInAt);

/// <summary>Protects it with the gateway's own keys: no session opens by it, and a copied store does not tell who is signed in.</summary>
internal sealed class SessionInfoProtector(IDataProtectionProvider protection)
{
    private readonly IDataProtector _protector = protection.CreateProtector("session info 1");

    public byte[] Protect(SessionInfo info) => _protector.Protect(JsonSerializer.SerializeToUtf8Bytes(info, SessionInfoJson.Default.SessionInfo));

    /// <returns>Null where it was protected with keys that are gone, or is not whole.</returns>
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
