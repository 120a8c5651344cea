using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Providers;

/// <summary>Merges the claims of the ID token and of userinfo. Claims about the sign-in come from the ID token only.</summary>
internal static class ProviderClaims
{
    /// <summary>Claims about the token (OpenID Connect Core 1.0, section 2), which userinfo cannot replace.</summary>
    private static readonly HashSet<string> TokenOnlyClaims = new(StringComparer.Ordinal)
    {
        "iss", "sub", "aud", "exp", "nbf", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "jti", "at_hash", "c_hash",
    };

    /// <summary>For all other claims userinfo takes precedence, because it is newer.</summary>
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
