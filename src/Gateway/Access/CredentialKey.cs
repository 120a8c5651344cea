using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Gateway.Access;

/// <summary>Identifies a credential in the memory of this process without holding it: half of an HMAC-SHA-256 with a key of the process.</summary>
internal readonly record struct CredentialKey(UInt128 Value)
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(HMACSHA256.HashSizeInBytes);

    public static CredentialKey From(ReadOnlySpan<char> credential) => From(MemoryMarshal.AsBytes(credential));

    public static CredentialKey From(ReadOnlySpan<byte> credential)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(Key, credential, hash);
        return new CredentialKey(MemoryMarshal.Read<UInt128>(hash));
    }
}
