using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gateway.Sessions;

/// <summary>
/// The `Cookie` header that a connection brought last, and the key in it: a browser sends the same one with each request, and
/// Kestrel then gives the very same string, so that it need not be scanned and hashed again.
/// </summary>
/// <remarks>Whether that session still lives is asked at every request all the same. Requests of one HTTP/2 connection may race here: either entry is a true one.</remarks>
internal sealed class ConnectionCookie
{
    private Entry? _last;

    public bool TryGetKey(string header, out SessionKey key)
    {
        Entry? last = Volatile.Read(ref _last);
        if (last is null || !ReferenceEquals(last.Header, header))
        {
            key = default;
            return false;
        }

        key = last.Key;
        return true;
    }

    public void Remember(string header, SessionKey key) => Volatile.Write(ref _last, new Entry(header, key));

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
