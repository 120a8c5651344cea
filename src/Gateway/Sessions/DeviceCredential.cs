using System.Buffers;
using System.Buffers.Text;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Gateway.Sessions;

/// <summary>
/// The text of a device password: a prefix, by which scanners for leaked secrets recognise it, the secret, and a checksum, so that a misspelt one
/// is never looked up.
/// </summary>
internal static class DeviceCredential
{
    public const string Prefix = "pgd_";

    /// <summary>A CRC-32C in base64url without padding.</summary>
    private const int ChecksumLetters = 6;

    private const int Letters = SessionSecret.Letters + ChecksumLetters;

    public static string Format(SessionSecret secret)
    {
        Span<byte> checksum = stackalloc byte[sizeof(uint)];
        Checksum(secret, checksum);
        return Prefix + secret.ToCookieValue() + Base64Url.EncodeToString(checksum);
    }

    /// <summary>Whether the text claims to be a device password. Such a text is never forwarded.</summary>
    public static bool HasPrefix(ReadOnlySpan<char> text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <returns>False if the text is no device password, or a misspelt one.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out SessionSecret secret)
    {
        secret = default;
        if (!HasPrefix(text) || text.Length != Prefix.Length + Letters)
        {
            return false;
        }

        ReadOnlySpan<char> letters = text[Prefix.Length..];
        Span<byte> sent = stackalloc byte[sizeof(uint)];
        Span<byte> expected = stackalloc byte[sizeof(uint)];
        if (!SessionSecret.TryParse(letters[..SessionSecret.Letters], out SessionSecret parsed)
            || Base64Url.DecodeFromChars(letters[SessionSecret.Letters..], sent, out _, out int written) != OperationStatus.Done
            || written != sizeof(uint))
        {
            return false;
        }

        Checksum(parsed, expected);
        if (!sent.SequenceEqual(expected))
        {
            return false;
        }

        secret = parsed;
        return true;
    }

    private static void Checksum(in SessionSecret secret, Span<byte> checksum)
    {
        uint crc = 0;
        foreach (ulong word in MemoryMarshal.Cast<SessionSecret, ulong>(new ReadOnlySpan<SessionSecret>(in secret)))
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        MemoryMarshal.Write(checksum, in crc);
    }
}
