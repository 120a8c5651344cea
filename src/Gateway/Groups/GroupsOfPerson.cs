using System.Collections.Immutable;
using Gateway.Settings;

namespace Gateway.Groups;

/// <summary>
/// A person's groups. Absent is not empty: <see cref="Mapped"/> is null where the provider said nothing of groups. `Accounts`: `ClaimsDecision`
/// decides what an absent claim does.
/// </summary>
/// <param name="Mapped">Paperless's names, each once, in the provider's order.</param>
/// <param name="Provided">The entries as the provider wrote them, for the log.</param>
/// <param name="Unreadable">What of the claim could not be read, for the log; null where all of it was understood.</param>
internal sealed record GroupsOfPerson(ImmutableArray<string>? Mapped, ImmutableArray<string> Provided, string? Unreadable = null)
{
    public static readonly GroupsOfPerson Absent = new(null, []);

    /// <summary>The groups as they are looked up in Paperless.</summary>
    public IReadOnlyList<GroupEntry> Entries { get; init; } = [];

    /// <summary>
    /// The names that `GATEWAY_ALLOWED_GROUPS` is compared with: the provider's names and ids, their short names, and Paperless's names. The parts
    /// of a text with blanks are not among them.
    /// </summary>
    public ImmutableArray<string> GrantingNames { get; init; } = [];

    /// <summary>
    /// Names that the provider wrote in full, or that the map made of them. The short name of a path or of a distinguished name is none:
    /// `/guests/admins` makes nobody a superuser because `admins` would.
    /// </summary>
    public ImmutableArray<string> FullNames { get; init; } = [];

    /// <summary>The names that a text with blanks has if it is a list. They prove nothing.</summary>
    public ImmutableArray<string> GuessedNames { get; init; } = [];

    /// <summary>The provider left groups out because there are too many, and what it sent was understood.</summary>
    public bool IsOverage { get; init; }

    /// <summary>The person may be in more groups than <see cref="Mapped"/> names: no group may be taken away because of it.</summary>
    public bool IsIncomplete => Mapped is not null && Unreadable is not null;

    /// <summary>`GATEWAY_ALLOWED_GROUPS` holds for either side's name: a group may grant access even if the map drops it.</summary>
    public bool IsAllowed(ImmutableHashSet<string> allowed, ImmutableArray<ClaimPattern> patterns = default)
    {
        if (allowed.IsEmpty && patterns.IsDefaultOrEmpty)
        {
            return true;
        }

        return GrantingNames.Any(name => allowed.Contains(name) || (!patterns.IsDefaultOrEmpty && patterns.Any(pattern => pattern.IsMatch(name))));
    }

    /// <summary>Whether the person is a member of one of these groups. Null where that is not known.</summary>
    public bool? IsMember(ImmutableHashSet<string> groups)
    {
        if (Mapped is null)
        {
            return null;
        }

        if (FullNames.Any(groups.Contains))
        {
            return true;
        }

        // A short name or a guess is no proof of membership, and no proof of the contrary.
        return IsIncomplete || IsAllowed(groups) || GuessedNames.Any(groups.Contains) ? null : false;
    }
}
