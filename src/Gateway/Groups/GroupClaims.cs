using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Settings;

namespace Gateway.Groups;

/// <summary>From the provider's claims to Paperless's group names; a pure function.</summary>
internal static class GroupClaims
{
    /// <summary>Django's limit for the name of a group.</summary>
    private const int MaxNameLength = 150;

    /// <summary>
    /// Takes what <see cref="GroupShapes"/> reads. Null says nothing of groups; any other shape is unreadable. So is an array in which not
    /// one entry is understood: it is not "no groups".
    /// </summary>
    /// <param name="claim">One claim, or several with commas between them.</param>
    public static GroupsOfPerson Read(JsonElement claims, string claim, GroupMap map)
    {
        string[] names = ClaimPath.TryFind(claims, claim, out _)
            ? [claim]
            : claim.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        ReadEntries[] read = [.. FindValues(claims, names).Select(GroupShapes.Read)];
        string[] faults = [.. read.Select(found => found.Unreadable).OfType<string>(), .. GroupOverage.Describe(claims, names)];
        string? unreadable = faults.Length > 0 ? string.Join("; ", faults) : null;
        if (read.All(found => found.Entries is null))
        {
            return GroupsOfPerson.Absent with { Unreadable = unreadable, IsOverage = read.Length == 0 && unreadable is not null };
        }

        Mapping mapping = new(map);
        foreach (ReadEntry entry in read.SelectMany(found => found.Entries ?? []))
        {
            mapping.Add(entry);
        }

        return mapping.ToGroups(unreadable);
    }

    private static List<JsonElement> FindValues(JsonElement claims, string[] names)
    {
        List<JsonElement> values = [];
        foreach (string name in names)
        {
            if (ClaimPath.TryFind(claims, name, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
            {
                values.Add(value);
            }
        }

        return values;
    }

    /// <summary>Collects the groups of one person, entry by entry.</summary>
    private sealed class Mapping(GroupMap map)
    {
        private readonly ImmutableArray<string>.Builder _mapped = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _provided = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _fullNames = ImmutableArray.CreateBuilder<string>();
        private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
        private readonly List<GroupEntry> _entries = [];
        private string? _notMatched;

        public void Add(ReadEntry entry)
        {
            try
            {
                if (entry.Whole is not { } whole)
                {
                    AddName(entry.Names[0]);
                }
                else if (map.HasKey(whole))
                {
                    AddName([whole]);
                }
                else
                {
                    AddParts(entry, whole);
                }
            }
            catch (RegexMatchTimeoutException)
            {
                _notMatched = "a name that takes too long to match with a pattern";
            }
        }

        public GroupsOfPerson ToGroups(string? unreadable) => new(_mapped.ToImmutable(), _provided.ToImmutable(), unreadable ?? _notMatched)
        {
            Entries = _entries,
            FullNames = _fullNames.ToImmutable(),
        };

        private void AddName(string[] names)
        {
            string? shortName = ProvidedName.ShortName(names[0]);
            _provided.AddRange(names);
            _fullNames.AddRange(names);
            if (shortName is not null)
            {
                _provided.Add(shortName);
            }

            if (map.TryMapAll(names, out string[] mapped))
            {
                string[] kept = Keep(mapped);
                _fullNames.AddRange(kept);
                _entries.Add(new GroupEntry(kept, null));
            }
            else
            {
                string[] kept = Keep(MapShortName(shortName, names[0]));
                _entries.Add(new GroupEntry(kept, shortName is null ? null : names[0]));
            }
        }

        private void AddParts(ReadEntry entry, string whole)
        {
            List<string> kept = [];
            foreach (string part in entry.Names.Select(names => names[0]))
            {
                string? shortName = ProvidedName.ShortName(part);
                _provided.Add(part);
                bool isMapped = map.TryMapAll([part], out string[] mapped);
                string[] names = Keep(isMapped ? mapped : MapShortName(shortName, part));
                kept.AddRange(names);
                if (shortName is not null)
                {
                    _provided.Add(shortName);
                }

                if (!entry.IsGuess)
                {
                    _fullNames.Add(part);
                    _fullNames.AddRange(isMapped ? names : []);
                }
            }

            _provided.Add(whole);
            _fullNames.Add(whole);
            _entries.Add(new GroupEntry(kept, whole));
        }

        private string[] MapShortName(string? shortName, string name)
        {
            if (shortName is null)
            {
                return [name];
            }

            return map.TryMapAll([shortName], out string[] mapped) ? mapped : [shortName];
        }

        /// <summary>The names that a group of Paperless can have.</summary>
        private string[] Keep(string[] names)
        {
            string[] usable = [.. names.Where(name => !string.IsNullOrWhiteSpace(name) && name.Length <= MaxNameLength)];
            _mapped.AddRange(usable.Where(_seen.Add));
            return usable;
        }
    }
}
