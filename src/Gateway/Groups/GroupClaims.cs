using System.Collections.Immutable;
using System.Text.Json;
using Gateway.Settings;

namespace Gateway.Groups;

/// <summary>A person's groups. Absent is not empty: <see cref="Mapped"/> is null where the provider said nothing of groups.</summary>
/// <param name="Mapped">Paperless's names, each once, in the provider's order.</param>
/// <param name="Provided">The provider's own names and ids, before the map.</param>
/// <param name="Unreadable">What of the claim could not be read, for the log; null where all of it was understood.</param>
internal sealed record GroupsOfPerson(ImmutableArray<string>? Mapped, ImmutableArray<string> Provided, string? Unreadable = null)
{
    public static readonly GroupsOfPerson Absent = new(null, []);

    /// <summary>The person may be in more groups than <see cref="Mapped"/> names: no group may be taken away because of it.</summary>
    public bool IsIncomplete => Mapped is not null && Unreadable is not null;

    /// <summary>`GATEWAY_ALLOWED_GROUPS` holds for either side's name: a group may open the door and yet be dropped by the map.</summary>
    public bool IsAllowed(ImmutableHashSet<string> allowed) =>
        allowed.IsEmpty || Provided.Any(allowed.Contains) || (Mapped ?? []).Any(allowed.Contains);
}

/// <summary>From the provider's claims to Paperless's group names; a pure function.</summary>
internal static class GroupClaims
{
    /// <summary>More groups, or longer names, than anybody has: what lies beyond is not read.</summary>
    private const int MaxGroups = 1000;

    private const int MaxNameLength = 150;

    /// <summary>As much of a value as a log line shows.</summary>
    private const int MaxShownLength = 200;

    /// <summary>
    /// Takes an array of texts, a lone text, or objects with a `name` (and an `id`). Null says nothing of groups; any other shape is
    /// unreadable. So is an array in which not one entry is understood: it is not "no groups".
    /// </summary>
    public static GroupsOfPerson Read(JsonElement claims, string claim, GroupMap map)
    {
        if (!ClaimPath.TryFind(claims, claim, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return GroupsOfPerson.Absent;
        }

        Entries read = ReadEntries(value);
        if (read.Names is not { } entries)
        {
            return GroupsOfPerson.Absent with { Unreadable = read.Unreadable };
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

        return new GroupsOfPerson(mapped.ToImmutable(), provided.ToImmutable(), read.Unreadable);
    }

    private static Entries ReadEntries(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            return ReadList(value);
        }

        if (ReadNames(value) is { } names)
        {
            return new Entries([names], null);
        }

        // A text of blanks is a list of no names.
        return IsText(value) ? new Entries([], null) : new Entries(null, Shown(value));
    }

    private static Entries ReadList(JsonElement list)
    {
        JsonElement[] given = [.. list.EnumerateArray().Take(MaxGroups)];
        string[][] found = [.. given.Select(ReadNames).OfType<string[]>()];
        JsonElement[] unreadable = [.. given.Where(entry => !IsText(entry) && ReadNames(entry) is null)];
        if (unreadable.Length > 0)
        {
            string shown = string.Join(", ", unreadable.Take(3).Select(Shown));
            return new Entries(found.Length > 0 ? found : null, $"a list with {unreadable.Length} unreadable entries: {shown}");
        }

        int length = list.GetArrayLength();
        return new Entries(found, length > MaxGroups ? $"a list of {length} entries, of which only {MaxGroups} are read" : null);
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

    /// <summary>A text that is no usable name is understood all the same: no group of Paperless can have that name.</summary>
    private static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String;

    private static string? Text(JsonElement entry, string name) =>
        ClaimPath.TryFind(entry, name, out JsonElement text) ? UsableName(text) : null;

    private static string? UsableName(JsonElement text)
        => ClaimPath.Text(text) is { Length: <= MaxNameLength } name && !string.IsNullOrWhiteSpace(name) ? name : null;

    private static string Shown(JsonElement value)
    {
        string json = value.GetRawText();
        return json.Length <= MaxShownLength ? json : json[..MaxShownLength] + "…";
    }

    /// <param name="Names">The names of each group; null where nothing was understood.</param>
    private sealed record Entries(IReadOnlyList<string[]>? Names, string? Unreadable);
}
