using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>The signed-in person: the claims of the provider and the linked Paperless user.</summary>
/// <param name="Provider">The `provider_id`.</param>
/// <param name="UserId">The id of the user in Paperless.</param>
/// <param name="Username">The name of the user in Paperless. The provider may use another name.</param>
/// <param name="Groups">The names of Paperless groups. Null if the provider sent no groups claim; empty if the claim is empty.</param>
/// <param name="GroupsSource">The claim from which the groups were read.</param>
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
    /// <summary>Estimated memory of the texts.</summary>
    public int EstimatedBytes => (2 * (Issuer.Length + Subject.Length + Username.Length + (Name?.Length ?? 0) + (Email?.Length ?? 0)))
        + (Groups?.Sum(group => 40 + (2 * group.Length)) ?? 0);

    /// <summary>Only these three identify the person. All other members may change.</summary>
    [JsonIgnore]
    public PersonKey Person => new(Provider, Issuer, Subject);
}

/// <summary>The tokens of the sign-in or of the last recheck.</summary>
/// <param name="IdToken">Sent as `id_token_hint` when a logout also ends the session at the provider.</param>
/// <param name="RefreshToken">Null if the provider sent none.</param>
/// <param name="AccessTokenUntil">When the access token expires; null if the provider did not say.</param>
/// <param name="IdTokenAt">When the gateway asked for the ID token. A refresh without a new ID token does not change it. Null in records that an
/// older version wrote.</param>
/// <param name="RefreshInDoubt">The refresh token was sent, but its successor is not stored: the provider may have used the token up.</param>
internal sealed record ProviderTokens(
    string IdToken,
    string? RefreshToken = null,
    string? AccessToken = null,
    DateTimeOffset? AccessTokenUntil = null,
    DateTimeOffset? IdTokenAt = null,
    bool RefreshInDoubt = false)
{
    /// <summary>For logs and debuggers: leaves out the tokens.</summary>
    public override string ToString() => nameof(ProviderTokens);
}

/// <summary>The encrypted content of a stored session. It is decrypted only when it is needed, so that memory does not hold the tokens.</summary>
/// <param name="CheckedAt">When the provider last confirmed the session.</param>
/// <param name="RoundTripAt">When the last silent authentication (`prompt=none`) began; null if there was none.</param>
/// <param name="RefusedAt">When the provider refused a refresh, and nothing has confirmed the person since; null otherwise.</param>
/// <param name="SidLostAt">When a refreshed ID token first named no provider session (`sid`) any more, and no silent authentication has confirmed the
/// person since; null otherwise.</param>
/// <param name="RoundTripOpenSince">When the first silent authentication began that has not come back; null if there is none.</param>
/// <param name="DevicePassword">Set if an app or scanner sends the secret; null for a browser's session.</param>
internal sealed record SessionRecord(
    Identity Identity,
    DateTimeOffset SignedInAt,
    DateTimeOffset CheckedAt,
    ProviderTokens Tokens,
    DateTimeOffset? RoundTripAt = null,
    DateTimeOffset? RefusedAt = null,
    DateTimeOffset? SidLostAt = null,
    DateTimeOffset? RoundTripOpenSince = null,
    DevicePassword? DevicePassword = null)
{
    /// <summary>At most one silent authentication in this time, …</summary>
    public static readonly TimeSpan RoundTripInterval = TimeSpan.FromHours(1);

    /// <summary>… or in this one after a refusal, and while one has not come back: a provider that gives no answer must not cause a loop.</summary>
    public static readonly TimeSpan RoundTripBackoff = TimeSpan.FromMinutes(1);

    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>When the next silent authentication may begin.</summary>
    [JsonIgnore]
    public DateTimeOffset NextRoundTrip
    {
        get
        {
            if (RoundTripAt is not { } last || last < SidLostAt)
            {
                return DateTimeOffset.MinValue;
            }

            bool mayWait = RefusedAt is null && RoundTripOpenSince is null;
            return last + (mayWait ? RoundTripInterval : RoundTripBackoff);
        }
    }

    /// <summary>Since when the provider should have confirmed the session; null if nothing is open.</summary>
    [JsonIgnore]
    public DateTimeOffset? UnconfirmedSince => RefusedAt < RoundTripOpenSince ? RefusedAt : RoundTripOpenSince ?? RefusedAt;

    private static ReadOnlySpan<byte> SessionPurpose => "paperless-gateway session record 1"u8;

    /// <summary>Another one, so that an older version, which does not know device passwords, takes none for a browser's session.</summary>
    private static ReadOnlySpan<byte> DevicePurpose => "paperless-gateway device record 1"u8;

    /// <summary>AES-256-GCM with a key derived from the secret. The session key is authenticated, so the bytes cannot move to another row.</summary>
    public byte[] Encrypt(SessionSecret secret)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(this, SessionRecordJson.Default.SessionRecord);
        byte[] sealedRecord = new byte[NonceBytes + plain.Length + TagBytes];
        Span<byte> nonce = sealedRecord.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using AesGcm cipher = Cipher(secret, DevicePassword is null ? SessionPurpose : DevicePurpose);
        cipher.Encrypt(nonce, plain, sealedRecord.AsSpan(NonceBytes, plain.Length), sealedRecord.AsSpan(NonceBytes + plain.Length), secret.Key().ToBytes());
        CryptographicOperations.ZeroMemory(plain);
        return sealedRecord;
    }

    /// <returns>Null if <see cref="Encrypt"/> did not make these bytes with this secret.</returns>
    public static SessionRecord? Decrypt(ReadOnlySpan<byte> sealedRecord, SessionSecret secret)
    {
        if (Decrypt(sealedRecord, secret, SessionPurpose) is { DevicePassword: null } ofBrowser)
        {
            return ofBrowser;
        }

        return Decrypt(sealedRecord, secret, DevicePurpose) is { DevicePassword: not null } ofDevice ? ofDevice : null;
    }

    private static SessionRecord? Decrypt(ReadOnlySpan<byte> sealedRecord, SessionSecret secret, ReadOnlySpan<byte> purpose)
    {
        if (sealedRecord.Length < NonceBytes + TagBytes)
        {
            return null;
        }

        byte[] plain = new byte[sealedRecord.Length - NonceBytes - TagBytes];
        try
        {
            using AesGcm cipher = Cipher(secret, purpose);
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

    /// <summary>For logs and debuggers: leaves out the tokens.</summary>
    public override string ToString() => $"{Identity.Username} ({Identity.Provider})";

    private static AesGcm Cipher(SessionSecret secret, ReadOnlySpan<byte> purpose)
    {
        Span<byte> key = stackalloc byte[32];
        secret.DeriveKey(purpose, key);
        return new AesGcm(key, TagBytes);
    }
}

/// <remarks>A record with a missing member, or a null where none may be, is rejected: nobody is signed in by an incomplete record.</remarks>
[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SessionRecord))]
internal sealed partial class SessionRecordJson : JsonSerializerContext;
