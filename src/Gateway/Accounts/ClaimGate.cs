using System.Text.Json;
using Gateway.Groups;
using Gateway.Settings;

namespace Gateway.Accounts;

/// <summary>Compares claims with the settings that say who may sign in. What is missing or cannot be read does not hold.</summary>
internal static class ClaimGate
{
    public static bool Holds(JsonElement claims, RequiredClaim required)
    {
        if (!ClaimPath.TryFind(claims, required.Claim, out JsonElement value))
        {
            return false;
        }

        IEnumerable<JsonElement> values = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        return values.Select(Text).OfType<string>().Any(required.Accepts);
    }

    /// <summary>`email_verified` is a boolean (OpenID Connect Core 1.0, section 5.1); some providers write it as a text.</summary>
    public static bool IsEmailVerified(JsonElement claims) => ClaimPath.TryFind(claims, "email_verified", out JsonElement value)
        && (value.ValueKind == JsonValueKind.True || string.Equals(ClaimPath.Text(value), "true", StringComparison.OrdinalIgnoreCase));

    private static string? Text(JsonElement value) =>
        value.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False ? value.GetRawText() : ClaimPath.Text(value);
}
