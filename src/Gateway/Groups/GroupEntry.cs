namespace Gateway.Groups;

/// <summary>One entry of the provider's groups, as it is looked up in Paperless.</summary>
/// <param name="Names">Paperless's names: several for a text that is a list, and for a value of the map with commas.</param>
/// <param name="Whole">The entry as it came, if <paramref name="Names"/> are parts of it: a group of exactly that name takes precedence.</param>
internal sealed record GroupEntry(IReadOnlyList<string> Names, string? Whole);
