using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Who is signed in: what the provider said, in the gateway's words, and the Paperless user that it is.</summary>
/// <param name="Provider">The `provider_id`.</param>
/// <param name="UserId">Paperless's id of the user.</param>
/// <param name="Username">The user's name in Paperless, whatever the provider calls the person.</param>
/// <param name="Groups">Paperless's names; null where the provider said nothing of groups, which is not the same as none.</param>
/// <param name="GroupsSource">The claim that the groups came from.</param>
internal sealed record Identity(
    string Provider,
    string Issuer,
    string Subject,
    int UserId,
    string Username,
    bool Superuser,
    string? Name,
    string? Email,
    IReadOnlyList<string>? Groups,
    string? GroupsSource)
{
    /// <summary>Its texts, and a claim for each group.</summary>
    public int EstimatedBytes => (2 * (Issuer.Length + Subject.Length + Username.Length + (Name?.Length ?? 0) + (Email?.Length ?? 0)))
        + (Groups?.Sum(group => 200 + (2 * group.Length)) ?? 0);

    /// <summary>Everything else is a label.</summary>
    [JsonIgnore]
    public PersonKey Person => new(Provider, Issuer, Subject);
}

/// <summary>What the provider gave at the sign-in or the last recheck.</summary>
/// <param name="IdToken">The hint that ends the provider's session at a logout.</param>
/// <param name="RefreshToken">Null where the provider gave none.</param>
/// <param name="AccessTokenUntil">When the access token expires; null where the provider did not say.</param>
/// <param name="IdTokenAt">When the provider was asked for the ID token: no answer that leaves it as it is makes its claims any newer. Null in
/// records of before.</param>
/// <param name="RefreshInDoubt">The refresh token was sent and no answer is written down: it may have been used up.</param>
internal sealed record ProviderTokens(
    string IdToken,
    string? RefreshToken = null,
    string? AccessToken = null,
    DateTimeOffset? AccessTokenUntil = null,
    DateTimeOffset? IdTokenAt = null,
    bool RefreshInDoubt = false)
{
    /// <summary>For logs and debuggers: never a token.</summary>
    public override string ToString() => nameof(ProviderTokens);
}

/// <summary>All that is kept of a session. The tokens stay out of memory until they are needed.</summary>
/// <param name="CheckedAt">When the provider last said that all is well.</param>
/// <param name="RoundTripAt">When the browser was last sent to the provider with `prompt=none`; null where it never was.</param>
internal sealed record SessionRecord(
    Identity Identity,
    DateTimeOffset SignedInAt,
    DateTimeOffset CheckedAt,
    ProviderTokens Tokens,
    DateTimeOffset? RoundTripAt = null)
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private static ReadOnlySpan<byte> Purpose => "paperless-gateway session record 1"u8;

    /// <summary>AES-256-GCM under a key that only the secret gives; bound to the row that it stands in.</summary>
    public byte[] Encrypt(SessionSecret secret)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(this, SessionRecordJson.Default.SessionRecord);
        byte[] sealedRecord = new byte[NonceBytes + plain.Length + TagBytes];
        Span<byte> nonce = sealedRecord.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using AesGcm cipher = Cipher(secret);
        cipher.Encrypt(nonce, plain, sealedRecord.AsSpan(NonceBytes, plain.Length), sealedRecord.AsSpan(NonceBytes + plain.Length), secret.Key().ToBytes());
        CryptographicOperations.ZeroMemory(plain);
        return sealedRecord;
    }

    /// <returns>Null where the bytes are not what <see cref="Encrypt"/> made with this secret, whole.</returns>
    public static SessionRecord? Decrypt(ReadOnlySpan<byte> sealedRecord, SessionSecret secret)
    {
        if (sealedRecord.Length < NonceBytes + TagBytes)
        {
            return null;
        }

        byte[] plain = new byte[sealedRecord.Length - NonceBytes - TagBytes];
        try
        {
            using AesGcm cipher = Cipher(secret);
            cipher.Decrypt(sealedRecord[..NonceBytes], sealedRecord[NonceBytes..^TagBytes], sealedRecord[^TagBytes..], plain, secret.Key().ToBytes());
            SessionRecord? record = JsonSerializer.Deserialize(plain, SessionRecordJson.Default.SessionRecord);
            return record?.Identity.Groups?.Contains(null!) == true ? null : record;
        }
        catch (Exception error) when (error is CryptographicException or JsonException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>For logs and debuggers: never the token.</summary>
    public override string ToString() => $"{Identity.Username} ({Identity.Provider})";

    private static AesGcm Cipher(SessionSecret secret)
    {
        Span<byte> key = stackalloc byte[32];
        secret.DeriveKey(Purpose, key);
        return new AesGcm(key, TagBytes);
    }
}

/// <remarks>What is missing, or null where nothing may be, is no record: nobody is in by half of one.</remarks>
[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SessionRecord))]
internal sealed partial class SessionRecordJson : JsonSerializerContext;
