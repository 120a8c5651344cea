using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gateway.Sessions;

/// <summary>
/// Caches the last `Cookie` header of a connection and the session key in it. A browser repeats the header with each request, and the cache saves
/// scanning and hashing it again. With HTTP/1.1 Kestrel even reuses the same string.
/// </summary>
/// <remarks>The cache does not say whether the session is still valid: each request checks that. Requests of one HTTP/2 connection may race here;
/// each entry they write is correct.</remarks>
internal sealed class ConnectionCookie
{
    private Entry? _last;

    public bool TryGetKey(string header, out SessionKey key)
    {
        Entry? last = Volatile.Read(ref _last);
        if (last is null || !IsSame(last.Header, header))
        {
            key = default;
            return false;
        }

        key = last.Key;
        return true;
    }

    public void Remember(string header, SessionKey key) => Volatile.Write(ref _last, new Entry(header, key));

    /// <summary>Compares in constant time: behind a proxy, the last header may belong to another person.</summary>
    private static bool IsSame(string last, string header) =>
        ReferenceEquals(last, header)
        || CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(last.AsSpan()), MemoryMarshal.AsBytes(header.AsSpan()));

    private sealed record Entry(string Header, SessionKey Key);
}

internal static class ConnectionCookies
{
    /// <summary>Gives each connection to the endpoint its own cache. The cache ends with the connection.</summary>
    public static void RememberCookie(this ListenOptions endpoint) => endpoint.Use(next => connection =>
    {
        connection.Features.Set(new ConnectionCookie());
        return next(connection);
    });
}
