using System.Collections.Immutable;
using System.Text.Json;
using Gateway.Settings;

namespace Gateway.Groups;

/// <summary>
/// A person's groups. Absent is not empty: <see cref="Mapped"/> is null where the provider said nothing of groups. `Accounts`: `ClaimsDecision`
/// decides what an absent claim does.
/// </summary>
/// <param name="Mapped">Paperless's names, each once, in the provider's order.</param>
/// <param name="Provided">The provider's own names and ids, before the map.</param>
internal sealed record GroupsOfPerson(ImmutableArray<string>? Mapped, ImmutableArray<string> Provided)
{
    public static readonly GroupsOfPerson Absent = new(null, []);

    /// <summary>`GATEWAY_ALLOWED_GROUPS` holds for either side's name: a group may grant access even if the map drops it.</summary>
    public bool IsAllowed(ImmutableHashSet<string> allowed) =>
        allowed.IsEmpty || Provided.Any(allowed.Contains) || (Mapped ?? []).Any(allowed.Contains);
}

/// <summary>From the provider's claims to Paperless's group names; a pure function.</summary>
internal static class GroupClaims
{
    /// <summary>More groups, or longer names, than anybody has: what lies beyond is not read.</summary>
    private const int MaxGroups = 1000;

    private const int MaxNameLength = 150;

    /// <summary>
    /// Takes an array of texts, a lone text, or objects with a `name` (and an `id`). Null, and any other shape, says nothing of groups;
    /// so does an array in which not one entry is understood: it is not "no groups".
    /// </summary>
    public static GroupsOfPerson Read(JsonElement claims, string claim, GroupMap map)
    {
        if (!ClaimPath.TryFind(claims, claim, out JsonElement value) || ReadEntries(value) is not { } entries)
        {
            return GroupsOfPerson.Absent;
        }

        ImmutableArray<string>.Builder mapped = ImmutableArray.CreateBuilder<string>();
        ImmutableArray<string>.Builder provided = ImmutableArray.CreateBuilder<string>();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string[] names in entries)
        {
            provided.AddRange(names);
            string? name = map.TryMap(names, out string? target) ? target : names[0];
            if (!string.IsNullOrWhiteSpace(name) && seen.Add(name))
            {
                mapped.Add(name);
            }
        }

        return new GroupsOfPerson(mapped.ToImmutable(), provided.ToImmutable());
    }

    private static List<string[]>? ReadEntries(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                JsonElement[] given = [.. value.EnumerateArray().Take(MaxGroups)];
                string[][] found = [.. given.Select(ReadNames).OfType<string[]>()];
                return found.Length > 0 || given.All(entry => entry.ValueKind == JsonValueKind.String) ? [.. found] : null;
            case JsonValueKind.String or JsonValueKind.Object when ReadNames(value) is { } names:
                return [names];
            case JsonValueKind.String:
                return [];
            default:
                return null;
        }
    }

    /// <summary>The names that one entry goes by, the one to keep first; null where it has none.</summary>
    private static string[]? ReadNames(JsonElement entry)
    {
        if (entry.ValueKind == JsonValueKind.Object)
        {
            string?[] names = [Text(entry, "name"), Text(entry, "id")];
            return names.OfType<string>().ToArray() is { Length: > 0 } found ? found : null;
        }

        return entry.ValueKind == JsonValueKind.String && UsableName(entry) is { } text ? [text] : null;
    }

    private static string? Text(JsonElement entry, string name) =>
        ClaimPath.TryFind(entry, name, out JsonElement text) ? UsableName(text) : null;

    private static string? UsableName(JsonElement text)
        => ClaimPath.Text(text) is { Length: <= MaxNameLength } name && !string.IsNullOrWhiteSpace(name) ? name : null;
}
