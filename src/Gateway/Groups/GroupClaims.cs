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
        string[] names = Names(claims, claim);
        ReadEntries[] read = [.. names.Select(name => ReadClaim(claims, name)).OfType<ReadEntries>()];
        string[] leftOut = [.. GroupOverage.Describe(claims, names)];
        string[] faults = [.. read.Select(found => found.Unreadable).OfType<string>(), .. leftOut];
        string? unreadable = faults.Length > 0 ? string.Join("; ", faults) : null;
        bool isOverage = leftOut.Length > 0 && leftOut.Length == faults.Length;
        if (read.All(found => found.Entries is null))
        {
            return GroupsOfPerson.Absent with { Unreadable = unreadable, IsOverage = isOverage };
        }

        Mapping mapping = new(map);
        foreach (ReadEntry entry in read.SelectMany(found => found.Entries ?? []))
        {
            mapping.Add(entry);
        }

        return mapping.ToGroups(unreadable) with { IsOverage = isOverage };
    }

    /// <summary>The claims of <paramref name="claim"/> that are there and can be read, at least in part.</summary>
    public static IEnumerable<string> FindReadable(JsonElement claims, string claim) =>
        Names(claims, claim).Where(name => ReadClaim(claims, name)?.Entries is not null);

    /// <summary>A name with commas is one claim where there is such a claim.</summary>
    private static string[] Names(JsonElement claims, string claim) => ClaimPath.TryFind(claims, claim, out _)
        ? [claim]
        : claim.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Null where the claim is absent.</summary>
    private static ReadEntries? ReadClaim(JsonElement claims, string name) =>
        ClaimPath.TryFind(claims, name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? GroupShapes.Read(value) : null;

    /// <summary>What the map makes of one name of the provider.</summary>
    /// <param name="Full">The name as the provider wrote it, with the other names that it goes by.</param>
    /// <param name="ShortName">The last part of a path or of a distinguished name; null for a plain name.</param>
    /// <param name="MatchedName">The name that a key of the map matched; null if none did.</param>
    private sealed record MappedName(string[] Full, string? ShortName, string? MatchedName, string[] Mapped)
    {
        public bool IsMapped => MatchedName is not null;

        public bool IsMappedInFull => MatchedName is not null && MatchedName != ShortName;
    }

    /// <summary>Collects the groups of one person, entry by entry.</summary>
    private sealed class Mapping(GroupMap map)
    {
        private readonly ImmutableArray<string>.Builder _mapped = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _provided = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _granting = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _fullNames = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _guessed = ImmutableArray.CreateBuilder<string>();
        private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
        private readonly List<GroupEntry> _entries = [];
        private string? _notMatched;

        public void Add(ReadEntry entry)
        {
            try
            {
                MappedName[] names = [.. entry.Names.Select(Map)];
                if (entry.Whole is not { } whole)
                {
                    AddName(names[0]);
                }
                else if (map.HasKey(whole) || (!names.Any(name => name.IsMapped) && map.MapAll([whole]) is not null))
                {
                    AddName(Map([whole]));
                }
                else
                {
                    AddParts(names, whole, entry.IsGuess);
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
            GrantingNames = _granting.ToImmutable(),
            FullNames = _fullNames.ToImmutable(),
            GuessedNames = _guessed.ToImmutable(),
        };

        private MappedName Map(string[] names)
        {
            string? shortName = ProvidedName.ShortName(names[0]);
            (string Name, string[] Mapped)? found = map.MapAll(names, shortName);
            return found is { } match
                ? new MappedName(names, shortName, match.Name, match.Mapped)
                : new MappedName(names, shortName, null, [shortName ?? names[0]]);
        }

        private void AddName(MappedName name)
        {
            string[] kept = Keep(name.Mapped);
            _provided.Add(name.Full[0]);
            Grant(name, kept);
            bool isPartOfName = name.ShortName is not null && !name.IsMapped;
            _entries.Add(new GroupEntry(kept, isPartOfName ? name.Full[0] : null));
        }

        /// <summary>
        /// A text that is a list. Where the map knows a part, it is a list of groups, and no group of the whole text counts. Blanks alone are no
        /// proof of a list: then the whole text grants access, and its parts do not.
        /// </summary>
        private void AddParts(MappedName[] parts, string whole, bool isGuess)
        {
            List<string> names = [];
            foreach (MappedName part in parts)
            {
                string[] kept = Keep(part.Mapped);
                names.AddRange(kept);
                if (isGuess)
                {
                    _guessed.AddRange(part.Full.Concat(kept));
                }
                else
                {
                    Grant(part, kept);
                }
            }

            _provided.Add(whole);
            bool isMapped = parts.Any(part => part.IsMapped);
            if (isGuess || !isMapped)
            {
                _granting.Add(whole);
                _fullNames.Add(whole);
            }

            _entries.Add(new GroupEntry(names, isMapped ? null : whole, isGuess));
        }

        private void Grant(MappedName name, string[] kept)
        {
            _granting.AddRange(name.Full.Concat(kept));
            _fullNames.AddRange(name.Full);
            if (name.ShortName is { } shortName)
            {
                _granting.Add(shortName);
            }

            if (name.IsMappedInFull)
            {
                _fullNames.AddRange(kept);
            }
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
