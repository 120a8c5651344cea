using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace Gateway.SignIn;

/// <summary>
/// What the browser that begins a round trip holds and nobody else: the state names its hash, and the nonce is another hash of it
/// (OpenID Connect Core 1.0, section 15.5.2).
/// </summary>
internal sealed class CorrelationSecret
{
    private const int TimeBytes = 6;

    private const int SecretBytes = 32;

    private readonly byte[] _bytes;

    private CorrelationSecret(byte[] bytes, DateTimeOffset begunAt)
    {
        _bytes = bytes;
        BegunAt = begunAt;
    }

    /// <summary>Says which cookies are the oldest; whether a round trip is too old, its state says.</summary>
    public DateTimeOffset BegunAt { get; }

    /// <summary>Goes into the protected state.</summary>
    public string StateHash => Hash("state"u8);

    /// <summary>`nonce` of the authorization request.</summary>
    public string Nonce => Hash("nonce"u8);

    public static CorrelationSecret Create(DateTimeOffset now) => new(RandomNumberGenerator.GetBytes(SecretBytes), now);

    /// <returns>Null where the text is not what <see cref="ToCookieValue"/> wrote.</returns>
    public static CorrelationSecret? Parse(ReadOnlySpan<char> value)
    {
        Span<byte> bytes = stackalloc byte[TimeBytes + SecretBytes];
        if (value.Length != Base64Url.GetEncodedLength(bytes.Length)
            || Base64Url.DecodeFromChars(value, bytes, out _, out int written) != OperationStatus.Done
            || written != bytes.Length)
        {
            return null;
        }

        long milliseconds = ((long)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);
        return milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? null
            : new CorrelationSecret(bytes[TimeBytes..].ToArray(), DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
    }

    public string ToCookieValue()
    {
        Span<byte> bytes = stackalloc byte[TimeBytes + SecretBytes];
        long milliseconds = BegunAt.ToUnixTimeMilliseconds();
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(milliseconds >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)milliseconds);
        _bytes.CopyTo(bytes[TimeBytes..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>In constant time.</summary>
    public bool MatchesState(string stateHash)
    {
        Span<byte> sent = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> right = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_bytes, "state"u8, right);
        return stateHash.Length == Base64Url.GetEncodedLength(sent.Length)
            && Base64Url.DecodeFromChars(stateHash, sent, out _, out int written) == OperationStatus.Done
            && written == sent.Length
            && CryptographicOperations.FixedTimeEquals(sent, right);
    }

    private string Hash(ReadOnlySpan<byte> purpose) => Base64Url.EncodeToString(HMACSHA256.HashData(_bytes, purpose));
}
