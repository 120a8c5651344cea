using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gateway.Sessions;

/// <summary>
/// The `Cookie` header that a connection brought last, and the key in it: a browser sends the same one with each request, which need not
/// be scanned and hashed again. With HTTP/1.1 Kestrel even gives the very same string.
/// </summary>
/// <remarks>Whether that session still lives is asked at every request all the same. Requests of one HTTP/2 connection may race here: either
/// entry is a true one.</remarks>
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

    /// <summary>In constant time: behind a proxy the header before may be somebody else's.</summary>
    private static bool IsSame(string last, string header) =>
        ReferenceEquals(last, header)
        || CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(last.AsSpan()), MemoryMarshal.AsBytes(header.AsSpan()));

    private sealed record Entry(string Header, SessionKey Key);
}

internal static class ConnectionCookies
{
    /// <summary>Each connection to the endpoint gets a memory of its own, which ends with it.</summary>
    public static void RememberCookie(this ListenOptions endpoint) => endpoint.Use(next => connection =>
    {
        connection.Features.Set(new ConnectionCookie());
        return next(connection);
    });
}
