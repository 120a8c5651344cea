using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>
/// `GATEWAY_GROUP_MAP`: what the provider calls a group, and what Paperless does. An exact key goes before a wildcard,
/// a longer wildcard before a shorter one; what no key matches keeps its name.
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

    /// <summary>Whether a key speaks of one of these names; then <paramref name="mapped"/> is Paperless's name, or null to drop the group.</summary>
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

    /// <summary>A `*` at either end is a wildcard, anywhere else a letter like others.</summary>
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
