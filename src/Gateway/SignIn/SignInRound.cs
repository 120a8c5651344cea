using System.Text.Json;
using Gateway.Groups;
using Gateway.Sessions;

namespace Gateway.SignIn;

/// <summary>What the provider said in the round trip that is being finished; a feature of its request.</summary>
internal sealed class SignInRound(ProviderTokens tokens, JsonElement idTokenClaims, DateTimeOffset heardAt)
{
    private const int LongestSid = 1000;

    public ProviderTokens Tokens { get; } = tokens;

    public JsonElement IdTokenClaims { get; } = idTokenClaims;

    /// <summary>The `sub` itself, whatever `uid_field` makes the subject here: the provider's logout speaks of it.</summary>
    public string Sub => IdTokenClaims.GetProperty("sub").GetString()!;

    /// <summary>The provider's session; null where it does not say.</summary>
    public string? Sid => IdTokenClaims.TryGetProperty("sid", out JsonElement sid) && ClaimPath.Text(sid) is { Length: > 0 and <= LongestSid } text ? text : null;

    /// <summary>When the ID token was asked for: whatever the provider says later is newer.</summary>
    public DateTimeOffset HeardAt { get; } = heardAt;

    public JsonElement? UserInfo { get; set; }
}

/// <summary>When the code was sent to the provider; a feature of that request.</summary>
internal sealed record CodeRedeemed(DateTimeOffset At);
