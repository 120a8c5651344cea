using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Gateway.Sessions;

/// <summary>The 256 random bits that the browser holds: the only thing that opens a session, never stored and never logged.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct SessionSecret
{
    public const int Bytes = 32;

    /// <summary>Length of the cookie's value: base64url without padding.</summary>
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

    /// <summary>Reads a cookie's value; anything but 43 letters of base64url is no secret.</summary>
    public static bool TryParse(ReadOnlySpan<char> value, out SessionSecret secret)
    {
        Span<byte> bytes = stackalloc byte[Bytes];

        // Not TryDecodeFromChars, which throws where a letter is none of base64url's.
        bool read = value.Length == Letters && Base64Url.DecodeFromChars(value, bytes, out _, out int written) == OperationStatus.Done && written == Bytes;
        secret = read ? new SessionSecret(bytes) : default;
        return read;
    }

    public SessionKey Key()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        return SessionKey.Of(bytes);
    }

    /// <summary>A key for one purpose (RFC 5869); knowing the stored SHA-256 of the secret gives none.</summary>
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

    /// <summary>Never the secret.</summary>
    public override string ToString() => nameof(SessionSecret);

    private void Write(Span<byte> bytes) => MemoryMarshal.Write(bytes, in this);
}
