using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Gateway.Sessions;

/// <summary>SHA-256 of a session's secret: names the session in memory and in the store, and opens nothing.</summary>
/// <remarks>Looked up in a hash table: what timing could tell of a hash's digits helps nobody to find its preimage.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SessionKey(ulong A, ulong B, ulong C, ulong D)
{
    public static SessionKey Of(ReadOnlySpan<byte> secret)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(secret, hash);
        return MemoryMarshal.Read<SessionKey>(hash);
    }

    /// <param name="hash">As <see cref="ToBytes"/> gives it.</param>
    public static SessionKey FromBytes(ReadOnlySpan<byte> hash) => MemoryMarshal.Read<SessionKey>(hash);

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[SHA256.HashSizeInBytes];
        MemoryMarshal.Write(bytes, in this);
        return bytes;
    }

    /// <summary>A hash is spread well already.</summary>
    public override int GetHashCode() => (int)A;

    /// <summary>Enough to find a session in the log again, too little to name it to the store.</summary>
    public override string ToString() => (A & 0xFFFFFFFFFF).ToString("x10", System.Globalization.CultureInfo.InvariantCulture);
}
