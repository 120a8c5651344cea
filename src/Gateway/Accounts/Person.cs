using System.Text.Json.Serialization;
using Gateway.Groups;
using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>A person as the provider's validated claims describe them.</summary>
/// <param name="Provider">The `provider_id`.</param>
/// <param name="Username">The user name claim; null where there is none.</param>
/// <param name="Name">The name in full.</param>
/// <param name="Groups">Paperless's names; null where the provider said nothing of groups, which is not the same as none.</param>
/// <param name="GroupsSource">The claim that the groups came from.</param>
/// <param name="Superuser">By `GATEWAY_SUPERUSER_GROUPS`, see <see cref="ClaimsDecision"/>; null where that, or the claim, says nothing.</param>
/// <param name="Staff">By `GATEWAY_STAFF_GROUPS`, see <see cref="ClaimsDecision"/>; null where that, or the claim, says nothing.</param>
/// <param name="AssertedAt">When the provider asserted the claims: older claims never overwrite newer ones.</param>
internal sealed record Person(
    string Provider,
    string Issuer,
    string Subject,
    string? Username,
    string? Name,
    string? FirstName,
    string? LastName,
    string? Email,
    IReadOnlyList<string>? Groups,
    string? GroupsSource,
    bool? Superuser,
    bool? Staff,
    DateTimeOffset AssertedAt)
{
    /// <summary>The user name claim before `GATEWAY_USERNAME_MAP`, exactly as the provider sends it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ProviderUser { get; init; }

    /// <summary>The provider says that it has verified <see cref="Email"/>.</summary>
    public bool EmailIsVerified { get; init; }

    /// <summary>Part of the groups claim could not be read: the person may be in more groups than <see cref="Groups"/> names.</summary>
    public bool GroupsAreIncomplete { get; init; }

    /// <summary>How <see cref="Groups"/> are looked up in Paperless; null where each is looked up by its own name.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<GroupEntry>? GroupEntries { get; init; }

    [JsonIgnore]
    public IReadOnlyList<GroupEntry> GroupLookups => GroupEntries ?? [.. (Groups ?? []).Select(group => new GroupEntry([group], null))];

    /// <summary>Some of the provider's own names of the groups, for the log.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> ShownGroups { get; init; } = [];

    [JsonIgnore]
    public PersonKey Key => new(Provider, Issuer, Subject);

    /// <summary>How the log names the person.</summary>
    [JsonIgnore]
    public string NameForLog => $"{Label}, subject {Subject}";

    /// <summary>What to call the person in lists of accounts.</summary>
    public string Label => Username ?? Email ?? Name ?? Subject;

    /// <summary>The identity of a session: this person as that Paperless user.</summary>
    public Identity ToIdentity(Account account) =>
        new(Provider, Issuer, Subject, account.Id, account.Username, account.IsSuperuser, Name, Email, Groups, GroupsSource);
}

/// <summary>The active Paperless user that a person is linked to, as read at this sign-in.</summary>
internal sealed record Account(int Id, string Username, bool IsSuperuser);
