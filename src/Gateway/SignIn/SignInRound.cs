using System.Text.Json;

namespace Gateway.SignIn;

/// <summary>What the provider said in the round trip that is being finished; a feature of its request.</summary>
internal sealed class SignInRound(string idToken, JsonElement idTokenClaims, DateTimeOffset heardAt)
{
    public string IdToken { get; } = idToken;

    public JsonElement IdTokenClaims { get; } = idTokenClaims;

    /// <summary>When the ID token came.</summary>
    public DateTimeOffset HeardAt { get; } = heardAt;

    public JsonElement? UserInfo { get; set; }
}
