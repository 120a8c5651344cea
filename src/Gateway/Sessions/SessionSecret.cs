using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Gateway.Sessions;

/// <summary>The 256 random bits in the browser's cookie. Only they give access to a session. They are never stored and never logged.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct SessionSecret
{
    public const int Bytes = 32;

    /// <summary>Length of the cookie value: base64url without padding.</summary>
    public const int Letters = 43;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    private SessionSecret(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        (_a, _b, _c, _d) = (words[0], words[1], words[2], words[3]);
    }

    public static SessionSecret Create()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        RandomNumberGenerator.Fill(bytes);
        return new SessionSecret(bytes);
    }

    /// <summary>Parses a cookie value, which must be 43 characters of base64url.</summary>
    public static bool TryParse(ReadOnlySpan<char> value, out SessionSecret secret)
    {
        Span<byte> bytes = stackalloc byte[Bytes];

        // Not TryDecodeFromChars, which throws at a character that is not base64url.
        bool read = value.Length == Letters && Base64Url.DecodeFromChars(value, bytes, out _, out int written) == OperationStatus.Done && written == Bytes;
        secret = read ? new SessionSecret(bytes) : default;
        return read;
    }

    public SessionKey Key()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        return SessionKey.FromSecret(bytes);
    }

    /// <summary>Derives a key for one purpose (HKDF, RFC 5869). The stored SHA-256 of the secret is not enough to derive it.</summary>
    public void DeriveKey(ReadOnlySpan<byte> purpose, Span<byte> key)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, bytes, key, salt: default, purpose);
    }

    public string ToCookieValue()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>For logs and debuggers: leaves out the secret.</summary>
    public override string ToString() => nameof(SessionSecret);

    private void Write(Span<byte> bytes) => MemoryMarshal.Write(bytes, in this);
}
