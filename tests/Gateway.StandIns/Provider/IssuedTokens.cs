using System.Security.Claims;
using System.Security.Cryptography;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Gateway.StandIns.Provider;

/// <summary>One sign-in at the application: what its code, and every token that follows from it, stands for.</summary>
internal sealed record Grant(string Id, ProviderSession Session, string ClientId, string? Nonce, IReadOnlyList<string> Scopes);

/// <summary>A code or token that the provider has handed out and will take back.</summary>
internal sealed record IssuedToken(string Value, string Type, Grant Grant, ClaimsPrincipal Principal, string Issuer)
{
    public bool IsUsed { get; init; }

    public DateTimeOffset? ExpiresAt => Principal.GetExpirationDate();
}

/// <summary>Every code, access token and refresh token: known by its text, as in authentik, so that deleting it ends it.</summary>
internal sealed class IssuedTokens
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Grant> _grants = [];
    private readonly Dictionary<string, IssuedToken> _tokens = [];

    public static string RandomText() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public Grant StartGrant(ProviderSession session, string clientId, string? nonce, IReadOnlyList<string> scopes)
    {
        Grant grant = new Grant(RandomText(), session, clientId, nonce, scopes);
        lock (_lock)
        {
            _grants.Add(grant.Id, grant);
        }

        return grant;
    }

    public Grant? FindGrant(string? id)
    {
        lock (_lock)
        {
            return id is null ? null : _grants.GetValueOrDefault(id);
        }
    }

    public IssuedToken? Find(string? value)
    {
        lock (_lock)
        {
            return value is null ? null : _tokens.GetValueOrDefault(value);
        }
    }

    public void Add(IssuedToken token)
    {
        lock (_lock)
        {
            _tokens.Add(token.Value, token);
        }
    }

    /// <summary>Uses a code or refresh token up; false when somebody else was first.</summary>
    public bool TryUse(string value)
    {
        lock (_lock)
        {
            if (_tokens.GetValueOrDefault(value) is not { IsUsed: false } token)
            {
                return false;
            }

            _tokens[value] = token with { IsUsed = true };
            return true;
        }
    }

    public void Delete(string value)
    {
        lock (_lock)
        {
            _tokens.Remove(value);
        }
    }

    /// <summary>A code that comes twice was stolen, so what the first use got is worth nothing any more (RFC 6749, 4.1.2).</summary>
    public void Revoke(Grant grant) =>
        DeleteWhere(token => token.Grant == grant && token.Type != TokenTypeIdentifiers.Private.AuthorizationCode);

    public IReadOnlyList<IssuedToken> DeleteAccessTokens(ProviderSession session) =>
        DeleteWhere(token => token.Grant.Session == session && token.Type == TokenTypeIdentifiers.AccessToken);

    public void DeleteAll(string subject) => DeleteWhere(token => token.Grant.Session.Subject == subject);

    private List<IssuedToken> DeleteWhere(Func<IssuedToken, bool> matches)
    {
        lock (_lock)
        {
            List<IssuedToken> found = _tokens.Values.Where(matches).ToList();
            found.ForEach(token => _tokens.Remove(token.Value));
            return found;
        }
    }
}
