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
        if (!groups.IsAllowed(rules.AllowedGroups, rules.AllowedGroupPatterns) && !(isSignedIn && groups.Mapped is null))
        {
            return RefusedByGroups(provider, groups, subject);
        }

        WarnOfGroups(provider, groups, subject);

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
            assertedAt)
        {
            GroupsAreIncomplete = groups.IsIncomplete,
            GroupEntries = groups.Entries,
            ProvidedGroups = groups.Provided,
        }, null);
    }

    private (Person?, Refusal) RefusedByGroups(ProviderSettings provider, GroupsOfPerson groups, string subject)
    {
        string claim = settings.Identity.GroupsClaim;
        if (groups.Mapped is not null)
        {
            return Refused(
                "group_not_allowed",
                "No access",
                "You belong to none of the groups that may use Paperless here.",
                "Ask the person who runs it to add you to one.",
                subject);
        }

        if (groups.IsOverage)
        {
            GroupsOverage(provider.Id, claim, subject);
            return Refused(
                "groups_overage",
                "No access",
                $"You belong to more groups than {provider.Name} sends, so the gateway does not know them: the claim \"{claim}\" was left out.",
                "The operator can let the provider send only the groups that are assigned to this application, or send roles.",
                subject);
        }

        if (groups.Unreadable is { } shape)
        {
            GroupsUnreadable(provider.Id, claim, subject, shape);
            return Refused(
                "groups_unreadable",
                "No access",
                $"The gateway cannot read which groups you belong to: {provider.Name} sends the claim \"{claim}\" in a form that it does not know.",
                "The operator finds the value in the log (GroupsUnreadable). The provider should send a list of names.",
                subject);
        }

        return Refused(
            "groups_absent",
            "No access",
            $"{provider.Name} did not say which groups you belong to: the claim \"{claim}\" is missing.",
            "The operator can add it at the provider, or correct GATEWAY_GROUPS_CLAIM.",
            subject);
    }

    private void WarnOfGroups(ProviderSettings provider, GroupsOfPerson groups, string subject)
    {
        string claim = settings.Identity.GroupsClaim;
        if (groups.IsOverage)
        {
            GroupsOverage(provider.Id, claim, subject);
        }
        else if (groups.Unreadable is { } shape)
        {
            GroupsUnreadable(provider.Id, claim, subject, shape);
        }
        else if (groups.Mapped is null)
        {
            GroupsAbsent(provider.Id, claim, subject);
        }
    }

    /// <summary>Null where the settings name no such groups of this provider, or the provider's groups are not known: then the flag stays as it is.</summary>
    private static bool? HasFlag(GroupsOfPerson groups, ImmutableHashSet<string> names) => names.IsEmpty ? null : groups.IsMember(names);

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

    [LoggerMessage(
        EventId = 3011,
        EventName = "GroupsUnreadable",
        Level = LogLevel.Warning,
        Message = "{Provider} sent the claim {Claim} for {Subject} in a form that the gateway cannot read: {Shape}. No group is taken away because of "
            + "it. Let the provider send a list of names")]
    private partial void GroupsUnreadable(string provider, string claim, string subject, string shape);

    [LoggerMessage(
        EventId = 3012,
        EventName = "GroupsOverage",
        Level = LogLevel.Warning,
        Message = "{Provider} left out the claim {Claim} of {Subject} because the person has too many groups (overage). The groups stay as they are. Let "
            + "the provider send only groups that are assigned to the application, or set GATEWAY_GROUPS_CLAIM=roles")]
    private partial void GroupsOverage(string provider, string claim, string subject);
}
