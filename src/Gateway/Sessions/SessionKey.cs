using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Gateway.Sessions;

/// <summary>SHA-256 of a session's secret. It identifies the session in memory and in the store, and gives no access.</summary>
/// <remarks>The look-up in a hash table need not take constant time: knowing digits of the hash does not help to find the secret.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SessionKey(ulong A, ulong B, ulong C, ulong D)
{
    public static SessionKey FromSecret(ReadOnlySpan<byte> secret)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(secret, hash);
        return MemoryMarshal.Read<SessionKey>(hash);
    }

    /// <param name="hash">The bytes of <see cref="ToBytes"/>.</param>
    public static SessionKey FromBytes(ReadOnlySpan<byte> hash) => MemoryMarshal.Read<SessionKey>(hash);

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[SHA256.HashSizeInBytes];
        MemoryMarshal.Write(bytes, in this);
        return bytes;
    }

    /// <summary>Identifies the session to people and gives no access. The log writes the last ten digits.</summary>
    public string Id => A.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>SHA-256 is distributed evenly, so a part of it is enough.</summary>
    public override int GetHashCode() => (int)A;

    /// <summary>For logs: long enough to recognise a session, too short to look it up in the store.</summary>
    public override string ToString() => (A & 0xFFFFFFFFFF).ToString("x10", CultureInfo.InvariantCulture);
}
