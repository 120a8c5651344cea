using System.Text.Json;

namespace Gateway.Groups;

/// <summary>
/// Reads a claim as a text, by the same rules for ID tokens, userinfo, refreshed ID tokens and logout tokens. Some providers write identifiers as
/// JSON numbers: a whole number is read as its digits, so `5` and `"5"` are the same subject.
/// </summary>
internal static class ClaimText
{
    /// <returns>Whether the value can be read; <paramref name="text"/> is null if the claim is absent or `null`.</returns>
    public static bool TryRead(JsonElement value, out string? text)
    {
        text = value.ValueKind switch
        {
            JsonValueKind.String => ClaimPath.Text(value),
            JsonValueKind.Number when value.GetRawText() is { } digits && digits.All(char.IsAsciiDigit) => digits,
            _ => null,
        };
        return text is not null || value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;
    }

    /// <summary>Reads a label such as a name or an email address. Directories write labels as lists: a list of one text is that text.</summary>
    public static bool TryReadLabel(JsonElement value, out string? text) =>
        TryRead(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1 ? value[0] : value, out text);

    /// <summary>The JSON type of a value that cannot be read, for error messages.</summary>
    public static string TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Number => "a number that is not whole",
        _ => "no valid Unicode",
    };
}
