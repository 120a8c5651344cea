using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Providers;

/// <summary>The claims of the ID token and of userinfo as one object. The ID token alone speaks for the sign-in itself.</summary>
internal static class ProviderClaims
{
    /// <summary>Claims of the token as such (OpenID Connect Core 1.0, section 2): userinfo has no say in them.</summary>
    private static readonly HashSet<string> TokenOnlyClaims = new(StringComparer.Ordinal)
    {
        "iss", "sub", "aud", "exp", "nbf", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "jti", "at_hash", "c_hash",
    };

    /// <summary>Userinfo is the fresher of both for everything else.</summary>
    public static JsonElement Merge(JsonElement idToken, JsonElement? userInfo)
    {
        JsonObject claims = JsonObject.Create(idToken)!;
        if (userInfo is { ValueKind: JsonValueKind.Object } further)
        {
            foreach (JsonProperty claim in further.EnumerateObject().Where(claim => !TokenOnlyClaims.Contains(claim.Name)))
            {
                claims[claim.Name] = JsonNode.Parse(claim.Value.GetRawText());
            }
        }

        return JsonSerializer.SerializeToElement(claims);
    }
}
