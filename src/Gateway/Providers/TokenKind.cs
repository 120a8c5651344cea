using System.Collections.Immutable;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>A kind of token that a provider signs for this client. Its `typ` tells it from the others (RFC 8725, section 3.11).</summary>
/// <param name="Name">For the words of a failure.</param>
/// <param name="Types">The values of `typ` that it may have.</param>
/// <param name="CanLackType">Whether `typ` may be absent.</param>
/// <param name="HasTimes">Whether it must say when it was issued and until when it is valid.</param>
internal sealed record TokenKind(string Name, ImmutableArray<string> Types, bool CanLackType, bool HasTimes)
{
    public static readonly TokenKind IdToken = new("the ID token", ["JWT"], CanLackType: true, HasTimes: true);

    /// <summary>OpenID Connect Core 1.0, section 5.3.2: signed userinfo need not say when it was made.</summary>
    public static readonly TokenKind UserInfo = new("the userinfo", ["JWT", "userinfo+jwt"], CanLackType: true, HasTimes: false);

    /// <summary>OpenID Connect Back-Channel Logout 1.0, section 2.4.</summary>
    public static readonly TokenKind LogoutToken = new("the logout token", ["logout+jwt", "JWT"], CanLackType: false, HasTimes: true);

    /// <summary>The member of `events` that makes a token a logout token, and nothing else.</summary>
    public const string LogoutEvent = "http://schemas.openid.net/event/backchannel-logout";

    private const string Prefix = "application/";

    /// <summary>`typ` is a media type, whose case does not matter and whose prefix may be left out (RFC 7515, section 4.1.9).</summary>
    public bool HasType(string? type)
    {
        if (type is null)
        {
            return CanLackType;
        }

        string name = type.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? type[Prefix.Length..] : type;
        return Types.Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The algorithms that the provider announces for this kind.</summary>
    /// <remarks>A logout token is signed as an ID token is (OpenID Connect Back-Channel Logout 1.0, section 2.4).</remarks>
    public IReadOnlyCollection<string> Algorithms(OpenIdConnectConfiguration configuration)
    {
        if (this == UserInfo && configuration.UserInfoEndpointSigningAlgValuesSupported is { Count: > 0 } ofUserInfo)
        {
            return [.. ofUserInfo];
        }

        return configuration.IdTokenSigningAlgValuesSupported is { Count: > 0 } announced ? [.. announced] : ["RS256"];
    }
}
