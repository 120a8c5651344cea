using System.Collections.Immutable;
using System.Text.Json;
using Gateway.Groups;
using Gateway.Pages;
using Gateway.Settings;

namespace Gateway.Accounts;

/// <summary>Decides who the claims describe and whether that person may sign in, before anything is stored.</summary>
internal sealed partial class IdentityDecision(GatewaySettings settings, ILogger<IdentityDecision> logger)
{
    /// <param name="assertedAt">When the provider said it.</param>
    /// <param name="isSignedIn">Whether it is about somebody who is in already: then groups that the provider does not name stay as they are.</param>
    /// <returns>The person, or the refusal.</returns>
    public (Person? Person, Refusal? Refusal) Decide(
        ProviderSettings provider,
        string issuer,
        JsonElement claims,
        DateTimeOffset assertedAt,
        bool isSignedIn = false)
    {
        IdentitySettings rules = settings.Identity;
        ClaimRead subjectClaim = ReadSubject(claims, provider.SubjectClaim);
        ClaimRead usernameClaim = ReadLabel(claims, rules.UsernameClaim);
        if (subjectClaim.Error is not null)
        {
            return Unreadable(provider, provider.SubjectClaim, subjectClaim.Error, "correct \"uid_field\" in PAPERLESS_SOCIALACCOUNT_PROVIDERS");
        }

        // A name that cannot be read must not sign out somebody who is in already: the account is known.
        if (usernameClaim.Error is not null && !isSignedIn)
        {
            return Unreadable(provider, rules.UsernameClaim, usernameClaim.Error, "correct GATEWAY_USERNAME_CLAIM");
        }

        if (subjectClaim.Text is not { } subject)
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

        (string? first, string? last) = PersonNames.Split(Label(claims, "given_name"), Label(claims, "family_name"), Label(claims, "name"));
        return (new Person(
            provider.Id,
            issuer,
            subject,
            usernameClaim.Text,
            Label(claims, "name"),
            first,
            last,
            Label(claims, "email")?.Trim() is { Length: > 0 } email ? email : null,
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

    private static (Person?, Refusal) Unreadable(ProviderSettings provider, string claim, string error, string correction) => Refused(
        "claim_unreadable",
        "A claim cannot be read",
        $"{provider.Name} sent a claim that the gateway cannot read: \"{claim}\" {error}.",
        $"The operator can change the claim at the provider, or {correction}.");

    private static ClaimRead ReadSubject(JsonElement claims, string claim)
    {
        _ = ClaimPath.TryFind(claims, claim, out JsonElement value);
        return ClaimText.TryRead(value, out string? text) ? ClaimRead.Bounded(text) : ClaimRead.WrongType(value);
    }

    private static ClaimRead ReadLabel(JsonElement claims, string claim)
    {
        _ = ClaimPath.TryFind(claims, claim, out JsonElement value);
        return ClaimText.TryReadLabel(value, out string? text) ? ClaimRead.Bounded(text) : ClaimRead.WrongType(value);
    }

    /// <summary>A label that decides nothing: if it cannot be read, it is absent.</summary>
    private static string? Label(JsonElement claims, string claim) => ReadLabel(claims, claim).Text;

    /// <param name="Text">Null if the claim is absent, empty or cannot be read.</param>
    /// <param name="Error">Why it cannot be read, as the end of a sentence that begins with the claim.</param>
    private sealed record ClaimRead(string? Text, string? Error)
    {
        /// <summary>In characters, so that no claim fills the store.</summary>
        private const int MaxLength = 1000;

        public static ClaimRead Bounded(string? text) => text?.Length > MaxLength
            ? new ClaimRead(null, $"is longer than {MaxLength} letters")
            : new ClaimRead(string.IsNullOrEmpty(text) ? null : text, null);

        public static ClaimRead WrongType(JsonElement value) =>
            new(null, $"is neither a text nor a whole number, but {ClaimText.TypeOf(value)}");
    }

    [LoggerMessage(
        EventId = 3010,
        EventName = "GroupsAbsent",
        Level = LogLevel.Warning,
        Message = "{Provider} sent no claim {Claim} for {Subject}, so the groups are unknown and stay as they are. Add the claim at the provider or "
            + "correct GATEWAY_GROUPS_CLAIM")]
    private partial void GroupsAbsent(string provider, string claim, string subject);
}
