using System.Text.Json;

namespace Gateway.Groups;

/// <summary>What one entry of a groups claim names.</summary>
/// <param name="Names">Each with the other names that it goes by; several for a text that is a list.</param>
/// <param name="Whole">The text, if <paramref name="Names"/> are parts of it.</param>
/// <param name="IsGuess">Blanks parted the text, which may also be one name.</param>
internal sealed record ReadEntry(IReadOnlyList<string[]> Names, string? Whole = null, bool IsGuess = false);

/// <summary>The entries of a groups claim, and what of it could not be read.</summary>
/// <param name="Entries">Null where nothing was understood.</param>
/// <param name="Unreadable">For the log; null where everything was understood.</param>
internal sealed record ReadEntries(IReadOnlyList<ReadEntry>? Entries, string? Unreadable);

/// <summary>Reads the shapes that providers give to a groups claim.</summary>
internal static class GroupShapes
{
    /// <summary>More groups, or longer names, than anybody has: what lies beyond is not read.</summary>
    private const int MaxGroups = 1000;

    /// <summary>A distinguished name is longer than the name of a group in Paperless.</summary>
    private const int MaxNameLength = 1000;

    private const int MaxTextLength = 100_000;

    /// <summary>As much of a value as a log line shows.</summary>
    private const int MaxShownLength = 200;

    public static ReadEntries Read(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            return ReadList(value);
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return ReadText(value);
        }

        return ReadObject(value) is { } found ? new ReadEntries(found, null) : new ReadEntries(null, Shown(value));
    }

    private static ReadEntries ReadList(JsonElement list)
    {
        List<ReadEntry> found = [];
        List<JsonElement> unreadable = [];
        foreach (JsonElement entry in list.EnumerateArray().Take(MaxGroups))
        {
            if (ReadListEntry(entry) is { } entries)
            {
                found.AddRange(entries);
            }
            else
            {
                unreadable.Add(entry);
            }
        }

        if (unreadable.Count > 0)
        {
            string shown = string.Join(", ", unreadable.Take(3).Select(Shown));
            return new ReadEntries(found.Count > 0 ? found : null, $"a list with {unreadable.Count} unreadable entries: {shown}");
        }

        int length = list.GetArrayLength();
        return new ReadEntries(found, length > MaxGroups ? $"a list of {length} entries, of which only {MaxGroups} are read" : null);
    }

    /// <returns>Empty for a text that is no usable name: it is understood, and no group has that name. Null for what is unreadable.</returns>
    private static IReadOnlyList<ReadEntry>? ReadListEntry(JsonElement entry)
    {
        if (entry.ValueKind == JsonValueKind.String)
        {
            return UsableName(entry) is { } name ? [new ReadEntry([[name]])] : [];
        }

        return ReadObject(entry);
    }

    /// <summary>An object with a `name` or an `id`, or one whose keys are the groups. Null where it is neither.</summary>
    private static IReadOnlyList<ReadEntry>? ReadObject(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        string?[] names = [Text(value, "name"), Text(value, "id")];
        if (names.OfType<string>().ToArray() is { Length: > 0 } found)
        {
            return [new ReadEntry([found])];
        }

        // Zitadel's roles: {"editor": {"<organisation>": "<domain>"}}; others write {"editor": true, "viewer": false}.
        JsonProperty[] members = [.. value.EnumerateObject().Take(MaxGroups + 1)];
        if (members.Length is 0 or > MaxGroups || !members.All(IsRole))
        {
            return null;
        }

        return [.. members.Where(member => member.Value.ValueKind != JsonValueKind.False).Select(Key).OfType<string>().Select(key => new ReadEntry([[key]]))];
    }

    private static bool IsRole(JsonProperty member) => member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False
        || (member.Value.ValueKind == JsonValueKind.Object && member.Value.EnumerateObject().All(inner => inner.Value.ValueKind == JsonValueKind.String));

    /// <summary>Null where the key is no text (half of a surrogate pair) or no usable name.</summary>
    private static string? Key(JsonProperty member)
    {
        try
        {
            return member.Name is { Length: <= MaxNameLength } name && !string.IsNullOrWhiteSpace(name) ? name : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static ReadEntries ReadText(JsonElement value)
    {
        if (ClaimPath.Text(value)?.Trim() is not { Length: <= MaxTextLength } text)
        {
            return new ReadEntries(null, Shown(value));
        }

        if (text.Length == 0)
        {
            return new ReadEntries([], null);
        }

        if (text[0] is '[' or '{')
        {
            return ReadJson(text) ?? new ReadEntries(null, Shown(value));
        }

        string[] parts = ProvidedName.Split(text, out bool byBlanks);
        string[] names = [.. parts.Where(part => part.Length <= MaxNameLength).Take(MaxGroups)];
        string? unread = parts.Length > MaxGroups ? $"a text of {parts.Length} names, of which only {MaxGroups} are read" : null;
        if (names.Length == 0)
        {
            return new ReadEntries([], unread);
        }

        return parts.Length == 1
            ? new ReadEntries([new ReadEntry([names])], null)
            : new ReadEntries([new ReadEntry([.. names.Select(part => new[] { part })], text, byBlanks)], unread);
    }

    /// <summary>A list or an object that was written into a text. Null where it is no JSON, such as Python's `['a', 'b']`.</summary>
    private static ReadEntries? ReadJson(string text)
    {
        try
        {
            using JsonDocument inner = JsonDocument.Parse(text);
            return Read(inner.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement entry, string name) =>
        ClaimPath.TryFind(entry, name, out JsonElement text) ? UsableName(text) : null;

    private static string? UsableName(JsonElement text)
        => ClaimPath.Text(text) is { Length: <= MaxNameLength } name && !string.IsNullOrWhiteSpace(name) ? name : null;

    private static string Shown(JsonElement value)
    {
        string json = value.GetRawText();
        return json.Length <= MaxShownLength ? json : json[..MaxShownLength] + "…";
    }
}
