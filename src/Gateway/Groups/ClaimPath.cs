using System.Text.Json;

namespace Gateway.Groups;

/// <summary>Finds a claim by its name, or by a dotted path into nested claims (`realm_access.roles`).</summary>
internal static class ClaimPath
{
    /// <summary>Longer paths than any provider's nesting are not followed.</summary>
    private const int MaxDepth = 16;

    /// <summary>The literal name goes before a path at every level: names with dots in them are common (URLs, client ids).</summary>
    public static bool TryFind(JsonElement claims, string path, out JsonElement value)
    {
        try
        {
            return TryFind(claims, path, MaxDepth, out value);
        }
        catch (InvalidOperationException)
        {
            // A name among them is no text: half of a surrogate pair, which JsonElement meets only when it compares.
            value = default;
            return false;
        }
    }

    /// <summary>The text of a claim; null where it is another kind, or no text for the same reason.</summary>
    public static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static bool TryFind(JsonElement claims, string path, int depth, out JsonElement value)
    {
        value = default;
        if (claims.ValueKind != JsonValueKind.Object || depth == 0)
        {
            return false;
        }

        if (claims.TryGetProperty(path, out value))
        {
            return true;
        }

        for (int dot = path.LastIndexOf('.'); dot > 0; dot = path.LastIndexOf('.', dot - 1))
        {
            if (claims.TryGetProperty(path.AsSpan(0, dot), out JsonElement inner) && TryFind(inner, path[(dot + 1)..], depth - 1, out value))
            {
                return true;
            }
        }

        value = default;
        return false;
    }
}
