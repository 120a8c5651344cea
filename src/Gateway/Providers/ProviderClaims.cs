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

    /// <summary>For all other claims userinfo takes precedence, because it is newer. A list stays a list; see <see cref="IsLesserForm"/>.</summary>
    /// <param name="idTokenIsOlder">Whether userinfo may know of changes that the ID token does not.</param>
    public static JsonElement Merge(JsonElement idToken, JsonElement? userInfo, bool idTokenIsOlder = false)
    {
        JsonObject claims = JsonObject.Create(idToken)!;
        if (userInfo is { ValueKind: JsonValueKind.Object } further)
        {
            foreach (JsonProperty claim in further.EnumerateObject().Where(claim => !TokenOnlyClaims.Contains(claim.Name)))
            {
                claims[claim.Name] = idToken.TryGetProperty(claim.Name, out JsonElement first)
                    ? Combine(first, claim.Value, idTokenIsOlder)
                    : Node(claim.Value);
            }
        }

        DropForeignVerification(claims, idToken, userInfo);
        return JsonSerializer.SerializeToElement(claims);
    }

    /// <summary>`email_verified` applies only to the address from the same source.</summary>
    private static void DropForeignVerification(JsonObject claims, JsonElement idToken, JsonElement? userInfo)
    {
        if (userInfo is not { ValueKind: JsonValueKind.Object } further)
        {
            return;
        }

        JsonElement source = further.TryGetProperty("email_verified", out _) ? further : idToken;
        bool isOfTheAddress = source.TryGetProperty("email", out JsonElement address) && claims["email"] is { } email
            && JsonElement.DeepEquals(address, JsonSerializer.SerializeToElement(email));
        if (!isOfTheAddress)
        {
            claims.Remove("email_verified");
        }
    }

    private static JsonNode? Combine(JsonElement ofIdToken, JsonElement ofUserInfo, bool idTokenIsOlder)
    {
        if (IsLesserForm(ofIdToken, ofUserInfo, idTokenIsOlder))
        {
            return Node(ofIdToken);
        }

        JsonNode? combined = Node(ofUserInfo);
        if (combined is JsonObject members && ofIdToken.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in ofUserInfo.EnumerateObject())
            {
                if (ofIdToken.TryGetProperty(member.Name, out JsonElement first))
                {
                    members[member.Name] = Combine(first, member.Value, idTokenIsOlder);
                }
            }
        }

        return combined;
    }

    /// <summary>
    /// Whether userinfo sends as a text, or as nothing, what the ID token sends as a list: some providers join lists, or send the first entry.
    /// A text that says something else than an older ID token is a change.
    /// </summary>
    private static bool IsLesserForm(JsonElement list, JsonElement value, bool listIsOlder)
    {
        if (list.ValueKind != JsonValueKind.Array || value.ValueKind is JsonValueKind.Array or JsonValueKind.Object)
        {
            return false;
        }

        return value.ValueKind != JsonValueKind.String || !listIsOlder || NamesTheSame(list, value.GetString()!);
    }

    /// <summary>Whether nothing but separators is left of the text without the entries of the list.</summary>
    private static bool NamesTheSame(JsonElement list, string text)
    {
        string rest = text;
        foreach (string entry in list.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.String)
            .Select(entry => entry.GetString()!).Where(entry => entry.Length > 0).OrderByDescending(entry => entry.Length))
        {
            int at = rest.IndexOf(entry, StringComparison.Ordinal);
            if (at < 0)
            {
                return false;
            }

            rest = rest.Remove(at, entry.Length);
        }

        return !rest.Any(char.IsLetterOrDigit);
    }

    private static JsonNode? Node(JsonElement value) => JsonNode.Parse(value.GetRawText());
}
