using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>
/// `GATEWAY_SUPERUSER_GROUPS` or `GATEWAY_STAFF_GROUPS`: the groups whose members get the flag, by provider. `Accounts`: `ClaimsDecision` finds out
/// who is a member, and `AccountSync` sets the flag.
/// </summary>
internal sealed class FlagGroups
{
    public static readonly FlagGroups None = new([]);

    private readonly ImmutableSortedDictionary<string, ImmutableHashSet<string>> _byProvider;

    public FlagGroups(IEnumerable<(string Provider, string Group)> entries) =>
        _byProvider = entries.GroupBy(entry => entry.Provider, entry => entry.Group, StringComparer.Ordinal)
            .ToImmutableSortedDictionary(provider => provider.Key, groups => groups.ToImmutableHashSet(StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>The providers whose groups decide the flag.</summary>
    public IEnumerable<string> Providers => _byProvider.Keys;

    /// <summary>The groups of a provider; empty if the provider does not decide the flag.</summary>
    public ImmutableHashSet<string> ForProvider(string provider) => _byProvider.GetValueOrDefault(provider, []);
}
