using System.Collections.Immutable;
using System.Text.Json;
using Gateway.Groups;
using Gateway.Pages;
using Gateway.Settings;

namespace Gateway.Accounts;

/// <summary>
/// Decides by the claims, before anything is stored: who the person is, whether the person may sign in (`GATEWAY_ALLOWED_GROUPS`), and who gets
/// the superuser and staff flags. What an absent groups claim does is decided here, too.
/// </summary>
internal sealed partial class ClaimsDecision(GatewaySettings settings, ILogger<ClaimsDecision> logger)
{
    /// <param name="assertedAt">When the provider said it.</param>
    /// <param name="isSignedIn">True at a recheck: an absent groups claim then changes nothing. At a sign-in, allowed groups refuse it.</param>
    /// <returns>The person, or the refusal.</returns>
    public (Person? Person, Refusal? Refusal) Decide(
        ProviderSettings provider,
        string issuer,
        JsonElement claims,
        DateTimeOffset assertedAt,
        bool isSignedIn = false)
    {
        IdentitySettings rules = settings.Identity;
        if (Text(claims, provider.SubjectClaim) is not { } subject)
        {
            return Refused(
                "subject_missing",
                "No subject",
                $"{provider.Name} did not say who you are: the claim \"{provider.SubjectClaim}\" is missing.",
                "The operator can correct \"uid_field\" in PAPERLESS_SOCIALACCOUNT_PROVIDERS.");
        }

        GroupsOfPerson groups = GroupClaims.Read(claims, rules.GroupsClaim, rules.GroupMap);
        if (!groups.IsAllowed(rules.AllowedGroups) && !(isSignedIn && groups.Mapped is null))
        {
            return groups.Mapped is null
                ? Refused(
                    "groups_absent",
                    "No access",
                    $"{provider.Name} did not say which groups you belong to: the claim \"{rules.GroupsClaim}\" is missing.",
                    "The operator can add it at the provider, or correct GATEWAY_GROUPS_CLAIM.",
                    subject)
                : Refused(
                    "group_not_allowed",
                    "No access",
                    "You belong to none of the groups that may use Paperless here.",
                    "Ask the person who runs it to add you to one.",
                    subject);
        }

        if (groups.Mapped is null)
        {
            GroupsAbsent(provider.Id, rules.GroupsClaim, subject);
        }

        (string? first, string? last) = PersonNames.Split(Text(claims, "given_name"), Text(claims, "family_name"), Text(claims, "name"));
        return (new Person(
            provider.Id,
            issuer,
            subject,
            Text(claims, rules.UsernameClaim),
            Text(claims, "name"),
            first,
            last,
            Text(claims, "email")?.Trim() is { Length: > 0 } email ? email : null,
            groups.Mapped,
            groups.Mapped is null ? null : rules.GroupsClaim,
            HasFlag(groups, settings.Accounts.SuperuserGroups.ForProvider(provider.Id)),
            HasFlag(groups, settings.Accounts.StaffGroups.ForProvider(provider.Id)),
            assertedAt), null);
    }

    /// <summary>Null where the settings name no such groups of this provider, or the provider said nothing of groups: then the flag stays as it is.</summary>
    private static bool? HasFlag(GroupsOfPerson groups, ImmutableHashSet<string> names) =>
        names.IsEmpty || groups.Mapped is null ? null : groups.IsAllowed(names);

    private static (Person?, Refusal) Refused(string code, string title, string detail, string remedy, string? subject = null) =>
        (null, new Refusal(403, code, title, detail) { Remedy = remedy, ForTheLog = subject is null ? detail : $"{detail} Subject {subject}" });

    /// <summary>A claim that is a text, or a number as its text; bounded, so that no claim fills the store.</summary>
    private static string? Text(JsonElement claims, string claim)
    {
        _ = ClaimPath.TryFind(claims, claim, out JsonElement value);
        string? text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : ClaimPath.Text(value);
        return text is { Length: > 0 and <= 1000 } ? text : null;
    }

    [LoggerMessage(
        EventId = 3010,
        EventName = "GroupsAbsent",
        Level = LogLevel.Warning,
        Message = "{Provider} sent no claim {Claim} for {Subject}, so the groups are unknown and stay as they are. Add the claim at the provider or "
            + "correct GATEWAY_GROUPS_CLAIM")]
    private partial void GroupsAbsent(string provider, string claim, string subject);
}
