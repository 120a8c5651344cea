using System.Text.Json;
using Gateway.Sessions;

namespace Gateway.Providers;

/// <summary>What the provider said in the round trip that is being finished; a feature of its request.</summary>
internal sealed class CallbackResult(ProviderTokens tokens, ClaimSet idToken, JsonElement? userInfo, DateTimeOffset assertedAt)
{
    private const int MaxSidLength = 1000;

    public ProviderTokens Tokens { get; } = tokens;

    public string Issuer { get; } = idToken.RequiredText("iss");

    /// <summary>The `sub` itself, whatever `uid_field` makes the subject here: the provider's logout speaks of it.</summary>
    public string Sub { get; } = idToken.RequiredText("sub");

    /// <summary>The provider's session; null where it does not say.</summary>
    public string? Sid { get; } = idToken.Text("sid") is { Length: > 0 and <= MaxSidLength } sid ? sid : null;

    /// <summary>Of ID token and userinfo together.</summary>
    public JsonElement Claims { get; } = ProviderClaims.Merge(idToken.Json, userInfo);

    /// <summary>When the ID token was asked for: whatever the provider says later is newer.</summary>
    public DateTimeOffset AssertedAt { get; } = assertedAt;
}

/// <summary>When the code was sent to the provider; a feature of that request.</summary>
internal sealed record CodeRedemption(DateTimeOffset At);
