using System.Collections.Immutable;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>A kind of signed token. The `typ` header distinguishes the kinds (RFC 8725, section 3.11).</summary>
/// <param name="Name">The name in error messages.</param>
/// <param name="Types">The allowed values of `typ`; it may be absent.</param>
/// <param name="HasTimes">Whether `iat` and `exp` are required.</param>
internal sealed record TokenKind(string Name, ImmutableArray<string> Types, bool HasTimes)
{
    /// <summary>Set if `exp` may be absent: the token is then valid for this long after its `iat`.</summary>
    public TimeSpan? MaxAgeWithoutExpiry { get; init; }

    public static readonly TokenKind IdToken = new("the ID token", ["JWT"], HasTimes: true);

    /// <summary>OpenID Connect Core 1.0, section 5.3.2: signed userinfo need not contain times.</summary>
    public static readonly TokenKind UserInfo = new("the userinfo", ["JWT", "userinfo+jwt"], HasTimes: false);

    /// <summary>OpenID Connect Back-Channel Logout 1.0, section 2.4. `typ` is only recommended. Drafts had no `exp`, and some providers still
    /// send none.</summary>
    public static readonly TokenKind LogoutToken = new("the logout token", ["logout+jwt", "JWT"], HasTimes: true)
    {
        MaxAgeWithoutExpiry = TimeSpan.FromMinutes(2),
    };

    /// <summary>RFC 9068, section 4: `at+jwt` is a must there. Providers that are older than that write `JWT`.</summary>
    public static readonly TokenKind AccessToken = new("the access token", [AccessTokenType, "JWT"], HasTimes: true)
    {
        RequiresType = true,
        IsForAnotherParty = true,
    };

    /// <summary>Whether `typ` must not be absent.</summary>
    public bool RequiresType { get; private init; }

    /// <summary>Whether the token is for an API and not for the client: the client's secret, which the client knows, is then no key.</summary>
    public bool IsForAnotherParty { get; private init; }

    /// <summary>The end of the validity of a token that passed the check; null if it has none.</summary>
    public DateTimeOffset? ExpiryOf(ClaimSet claims) => claims.Time("exp") ?? (claims.Time("iat") + MaxAgeWithoutExpiry);

    /// <summary>The member of `events` that only a logout token has.</summary>
    public const string LogoutEvent = "http://schemas.openid.net/event/backchannel-logout";

    private const string Prefix = "application/";

    private const string AccessTokenType = "at+jwt";

    /// <summary>`typ` is a media type: letter case is ignored, and the prefix may be omitted (RFC 7515, section 4.1.9).</summary>
    public bool HasType(string? type)
    {
        if (type is null)
        {
            return !RequiresType;
        }

        return Types.Contains(WithoutPrefix(type), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Whether `typ` alone says that the token is an access token.</summary>
    public static bool IsAccessTokenType(string? type) =>
        type is not null && WithoutPrefix(type).Equals(AccessTokenType, StringComparison.OrdinalIgnoreCase);

    private static string WithoutPrefix(string type) => type.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? type[Prefix.Length..] : type;

    /// <summary>The algorithms that are accepted for this kind.</summary>
    /// <param name="registered">`GATEWAY_ID_TOKEN_ALGORITHMS`; empty where the discovery document says it.</param>
    /// <remarks>
    /// A logout token uses the algorithms of ID tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4). Without a list only RS256 is accepted.
    /// </remarks>
    public IReadOnlyCollection<string> Algorithms(OpenIdConnectConfiguration configuration, ImmutableArray<string> registered)
    {
        if (this == UserInfo && configuration.UserInfoEndpointSigningAlgValuesSupported is { Count: > 0 } ofUserInfo)
        {
            return [.. ofUserInfo];
        }

        if (!registered.IsEmpty)
        {
            return registered;
        }

        return configuration.IdTokenSigningAlgValuesSupported is { Count: > 0 } announced ? [.. announced] : ["RS256"];
    }
}
