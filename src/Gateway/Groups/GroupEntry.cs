using System.Text.Json.Serialization;

namespace Gateway.Groups;

/// <summary>One entry of the provider's groups, as it is looked up in Paperless.</summary>
/// <param name="Names">Paperless's names: several for a text that is a list, and for a value of the map with commas.</param>
/// <param name="Whole">The entry as it came, if <paramref name="Names"/> are parts of it: a group of exactly that name takes precedence.</param>
/// <param name="IsGuess">Whether <paramref name="Names"/> are parts only if a text with blanks is a list: no group is created for them.</param>
internal sealed record GroupEntry(IReadOnlyList<string> Names, string? Whole, bool IsGuess = false)
{
    /// <summary>Whether it says no more than the one name.</summary>
    [JsonIgnore]
    public bool IsOneName => Names.Count == 1 && Whole is null && !IsGuess;
}
