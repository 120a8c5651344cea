using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>
/// `GATEWAY_GROUP_MAP`: maps the provider's names of groups to Paperless's names. An exact key takes precedence over a pattern, a pattern over a
/// wildcard, and a longer one over a shorter one. A key for the full name takes precedence over one for the short name, and `*` comes last. A group
/// that no key matches keeps its name.
/// </summary>
internal sealed partial class GroupMap
{
    private const string All = "*";

    public static readonly GroupMap Empty = new(ImmutableDictionary<string, string?>.Empty);

    private readonly ImmutableDictionary<string, string?> _exact;
    private readonly ImmutableArray<(ClaimPattern Pattern, string? Value)> _patterns = [];
    private readonly ImmutableArray<(string Key, string? Value)> _wildcards = [];

    /// <summary>The entry of `*` alone; null if there is none.</summary>
    private readonly KeyValuePair<string, string?>? _all;

    /// <param name="entries">Keys that are patterns can be parsed.</param>
    public GroupMap(IReadOnlyDictionary<string, string?> entries)
    {
        _exact = entries.Keys.Where(key => !IsWildcard(key) && !ClaimPattern.IsPattern(key))
            .ToImmutableDictionary(key => key, key => entries[key], StringComparer.Ordinal);
        IEnumerable<string> others = entries.Keys.OrderByDescending(key => key.Length).ThenBy(key => key, StringComparer.Ordinal);
        foreach (string key in others)
        {
            if (ClaimPattern.IsPattern(key))
            {
                ClaimPattern pattern = ClaimPattern.Parse(key, out string error) ?? throw new ArgumentException($"{key} {error}", nameof(entries));
                _patterns = _patterns.Add((pattern, entries[key]));
            }
            else if (key == All)
            {
                _all = KeyValuePair.Create(key, entries[key]);
            }
            else if (IsWildcard(key))
            {
                _wildcards = _wildcards.Add((key, entries[key]));
            }
        }
    }

    /// <summary>Whether a key is exactly this name.</summary>
    public bool HasKey(string name) => _exact.ContainsKey(name);

    /// <summary>Whether a key matches one of the names. If so, <paramref name="mapped"/> is Paperless's name, or null to drop the group.</summary>
    /// <exception cref="RegexMatchTimeoutException">A pattern takes too long.</exception>
    public bool TryMap(ReadOnlySpan<string> names, out string? mapped)
    {
        mapped = null;
        if (Find(names, shortName: null) is not { } found)
        {
            return false;
        }

        mapped = found.Value is { } value ? found.Fill(value) : null;
        return true;
    }

    /// <summary>The same where a value names several groups with commas between them; a comma that belongs to a name is written `\,`.</summary>
    /// <remarks>The value is split before it is filled in: a comma that came with the claim makes no second group.</remarks>
    /// <returns>The name that the key matched, and Paperless's names, none of which drops the group; null if no key matches.</returns>
    /// <exception cref="RegexMatchTimeoutException">A pattern takes too long.</exception>
    /// <param name="names">Spellings of the full name.</param>
    /// <param name="shortName">The last part of a path or of a distinguished name; null if there is none.</param>
    public (string Name, string[] Mapped)? MapAll(ReadOnlySpan<string> names, string? shortName = null)
    {
        if (Find(names, shortName) is not { } found)
        {
            return null;
        }

        string[] parts = found.Value is { } value ? Comma().Split(value) : [];
        return (
            found.Name,
            [.. parts.Select(part => found.Fill((parts.Length > 1 ? part.Trim() : part).Replace(@"\,", ",", StringComparison.Ordinal)))]);
    }

    /// <summary>A `*` is a wildcard only at the beginning or end of a key.</summary>
    public static bool IsWildcard(string key) => !ClaimPattern.IsPattern(key) && (key.StartsWith('*') || key.EndsWith('*'));

    /// <summary>The name that the first key matches, the key's value, and what fills in what the key has matched.</summary>
    private (string Name, string? Value, Func<string, string> Fill)? Find(ReadOnlySpan<string> names, string? shortName)
    {
        if ((FindKey(names) ?? (shortName is null ? null : FindKey([shortName]))) is { } found)
        {
            return found;
        }

        string full = names[0];
        return _all is { } all ? (full, all.Value, text => text.Replace(All, full, StringComparison.Ordinal)) : null;
    }

    private (string Name, string? Value, Func<string, string> Fill)? FindKey(ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (_exact.TryGetValue(name, out string? value))
            {
                return (name, value, text => text);
            }
        }

        foreach ((ClaimPattern pattern, string? value) in _patterns)
        {
            foreach (string name in names)
            {
                if (pattern.Match(name) is { } match)
                {
                    return (name, value, match.Result);
                }
            }
        }

        foreach ((string key, string? value) in _wildcards)
        {
            foreach (string name in names)
            {
                if (Matched(key, name) is { } matched)
                {
                    return (name, value, text => text.Replace("*", matched, StringComparison.Ordinal));
                }
            }
        }

        return null;
    }

    private static string? Matched(string key, string name)
    {
        if (key.EndsWith('*'))
        {
            string prefix = key[..^1];
            return name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null;
        }

        string suffix = key[1..];
        return name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : null;
    }

    [GeneratedRegex(@"(?<!\\),")]
    private static partial Regex Comma();
}
