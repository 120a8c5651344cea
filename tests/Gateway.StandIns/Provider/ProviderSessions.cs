using System.Security.Cryptography;
using System.Text;

namespace Gateway.StandIns.Provider;

/// <summary>A browser that is signed in at the provider.</summary>
internal sealed record ProviderSession(string Key, string Subject, string Username, DateTimeOffset SignedInAt)
{
    /// <summary>The <c>sid</c> claim: the session key's SHA-256.</summary>
    public string Sid { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)));
}

/// <summary>The provider's live sessions, by the value of their cookie.</summary>
internal sealed class ProviderSessions(DevelopmentProvider provider)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ProviderSession> _live = [];

    public IReadOnlyList<ProviderSession> List()
    {
        lock (_lock)
        {
            return [.. _live.Values];
        }
    }

    public ProviderSession? Find(HttpRequest request) =>
        request.Cookies[provider.Options.SessionCookie] is { Length: > 0 } key ? Find(key) : null;

    public ProviderSession Start(HttpContext http, Person person)
    {
        // Another person in the same browser, or the same one again, is another session; the one before is over.
        if (Find(http.Request) is { } before)
        {
            End(before);
        }

        string key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        ProviderSession session = new ProviderSession(key, person.Subject, person.Username, provider.Options.TimeProvider.GetUtcNow());
        lock (_lock)
        {
            _live.Add(key, session);
        }

        http.Response.Cookies.Append(
            provider.Options.SessionCookie, key, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax, Path = "/" });
        return session;
    }

    public bool IsLive(ProviderSession session) => Find(session.Key) is not null;

    /// <summary>Ends the session and deletes its access tokens, which it returns; refresh tokens survive.</summary>
    public IReadOnlyList<IssuedToken> End(ProviderSession session)
    {
        lock (_lock)
        {
            _live.Remove(session.Key);
        }

        return provider.Tokens.DeleteAccessTokens(session);
    }

    private ProviderSession? Find(string key)
    {
        lock (_lock)
        {
            return _live.GetValueOrDefault(key);
        }
    }
}
