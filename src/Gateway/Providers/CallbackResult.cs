using System.Text.Json;
using Gateway.Sessions;

namespace Gateway.Providers;

/// <summary>The tokens and claims of a finished round trip to a provider. A feature of the callback request.</summary>
internal sealed class CallbackResult(ProviderTokens tokens, ClaimSet idToken, JsonElement claims, DateTimeOffset assertedAt)
{
    private const int MaxSidLength = 1000;

    public ProviderTokens Tokens { get; } = tokens;

    public string Issuer { get; } = idToken.RequiredText("iss");

    /// <summary>The `sub` claim, even if `uid_field` names another claim as the subject: logout tokens contain the `sub`.</summary>
    public string Sub { get; } = idToken.RequiredText("sub");

    /// <summary>The id of the provider's session; null if the ID token has none.</summary>
    public string? Sid { get; } = idToken.Text("sid") is { Length: > 0 and <= MaxSidLength } sid ? sid : null;

    /// <summary>When the person last authenticated at the provider; null if the ID token does not say it.</summary>
    public DateTimeOffset? AuthenticatedAt { get; } = idToken.Time("auth_time");

    /// <summary>The merged claims of ID token and userinfo, with groups that only Microsoft Graph names.</summary>
    public JsonElement Claims { get; } = claims;

    /// <summary>When the gateway requested the ID token. Any later assertion of the provider is newer.</summary>
    public DateTimeOffset AssertedAt { get; } = assertedAt;
}

/// <summary>When the gateway sent the code to the provider. A feature of the callback request.</summary>
internal sealed record CodeRedemption(DateTimeOffset At);
