using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>
/// `GATEWAY_GROUP_MAP`: maps the provider's names of groups to Paperless's names. An exact key takes precedence over a wildcard, and a longer
/// wildcard over a shorter one. A group that no key matches keeps its name.
/// </summary>
internal sealed class GroupMap
{
    public static readonly GroupMap Empty = new(ImmutableDictionary<string, string?>.Empty);

    private readonly ImmutableDictionary<string, string?> _exact;
    private readonly ImmutableArray<(string Key, string? Value)> _wildcards = [];

    public GroupMap(IReadOnlyDictionary<string, string?> entries)
    {
        _exact = entries.Keys.Where(key => !IsWildcard(key)).ToImmutableDictionary(key => key, key => entries[key], StringComparer.Ordinal);
        if (entries.Keys.Any(IsWildcard))
        {
            _wildcards = [.. entries.Keys.Where(IsWildcard).OrderByDescending(key => key.Length).ThenBy(key => key, StringComparer.Ordinal)
                .Select(key => (key, entries[key]))];
        }
    }

    /// <summary>Whether a key matches one of the names. If so, <paramref name="mapped"/> is Paperless's name, or null to drop the group.</summary>
    public bool TryMap(ReadOnlySpan<string> names, out string? mapped)
    {
        foreach (string name in names)
        {
            if (_exact.TryGetValue(name, out mapped))
            {
                return true;
            }
        }

        foreach ((string key, string? value) in _wildcards)
        {
            foreach (string name in names)
            {
                if (Matched(key, name) is { } matched)
                {
                    mapped = value?.Replace("*", matched, StringComparison.Ordinal);
                    return true;
                }
            }
        }

        mapped = null;
        return false;
    }

    /// <summary>A `*` is a wildcard only at the beginning or end of a key.</summary>
    public static bool IsWildcard(string key) => key.StartsWith('*') || key.EndsWith('*');

    private static string? Matched(string key, string name)
    {
        if (key is "*")
        {
            return name;
        }

        if (key.EndsWith('*'))
        {
            string prefix = key[..^1];
            return name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null;
        }

        string suffix = key[1..];
        return name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : null;
    }
}
