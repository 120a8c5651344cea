using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Groups;
using Gateway.Pages;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Decides by the claims, before anything is stored: who the person is, whether the person may sign in (`GATEWAY_ALLOWED_GROUPS`), and who gets
/// the superuser and staff flags. What an absent groups claim does is decided here, too.
/// </summary>
internal sealed partial class ClaimsDecision(GatewaySettings settings, GroupClaimWarnings warnings, ILogger<ClaimsDecision> logger)
{
    /// <summary>As many entries, and as much of each, as a log line shows.</summary>
    private const int MaxShownGroups = 20;

    private const int MaxShownLength = 100;

    /// <param name="assertedAt">When the provider said it.</param>
    /// <param name="isSignedIn">True at a recheck: groups that are not known then change nothing. At a sign-in, allowed groups refuse them.</param>
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
                "The provider does not say who you are",
                $"{provider.Name} confirmed your sign-in but did not say who you are.",
                $"{provider.Name} sends no claim \"{provider.SubjectClaim}\". Correct \"uid_field\" in PAPERLESS_SOCIALACCOUNT_PROVIDERS.");
        }

        if (FindClaimRefusal(provider, claims, subject) is { } notAllowed)
        {
            return (null, notAllowed);
        }

        GroupsOfPerson groups = GroupClaims.Read(claims, rules.GroupsClaim, rules.GroupMap);
        WarnOfGroups(provider, groups, subject);
        bool isUnknown = groups.Mapped is null || groups.IsIncomplete;
        if (!groups.IsAllowed(rules.AllowedGroups, rules.AllowedGroupPatterns) && !(isSignedIn && isUnknown))
        {
            return RefusedByGroups(provider, groups, subject);
        }

        (string? first, string? last) = PersonNames.Split(Label(claims, "given_name"), Label(claims, "family_name"), Label(claims, "name"));
        return (new Person(
            provider.Id,
            issuer,
            subject,
            MapUsername(usernameClaim.Text),
            Label(claims, "name"),
            first,
            last,
            Label(claims, "email")?.Trim() is { Length: > 0 } email ? email : null,
            groups.Mapped,
            groups.Mapped is null ? null : rules.GroupsClaim,
            HasFlag(groups, settings.Accounts.SuperuserGroups.ForProvider(provider.Id)),
            HasFlag(groups, settings.Accounts.StaffGroups.ForProvider(provider.Id)),
            assertedAt)
        {
            ProviderUser = usernameClaim.Text,
            EmailIsVerified = ClaimGate.IsEmailVerified(claims),
            GroupsAreIncomplete = groups.IsIncomplete,
            GroupEntries = groups.Entries.All(entry => entry.IsOneName) ? null : groups.Entries,
            ShownGroups = Shown(groups.Provided),
        }, null);
    }

    /// <summary>Whether the claims say that the person has no access, and not only that nobody can tell.</summary>
    public static bool IsDenial(Refusal refusal) => refusal.Code is "group_not_allowed" or "email_domain_not_allowed";

    /// <summary>Who a refused person is, for the operator; null where the claims do not say it.</summary>
    public (PersonKey Person, string Label)? Identify(ProviderSettings provider, string issuer, JsonElement claims) =>
        ReadSubject(claims, provider.SubjectClaim).Text is { } subject
            ? (new PersonKey(provider.Id, issuer, subject), Label(claims, settings.Identity.UsernameClaim) ?? Label(claims, "email") ?? subject)
            : null;

    /// <summary>`GATEWAY_REQUIRED_CLAIMS` and `GATEWAY_ALLOWED_EMAIL_DOMAINS`. Null where they hold.</summary>
    private Refusal? FindClaimRefusal(ProviderSettings provider, JsonElement claims, string subject)
    {
        IdentitySettings rules = settings.Identity;
        if (rules.RequiredClaims.FirstOrDefault(required => !ClaimGate.Holds(claims, required)) is { } missing)
        {
            return Refused(
                "claim_required",
                "No access",
                $"{provider.Name} does not send the claims about you that are required here.",
                $"The claim \"{missing.Claim}\" is missing or has another value than GATEWAY_REQUIRED_CLAIMS asks for.",
                subject).Refusal;
        }

        if (rules.AllowedEmailDomains.IsEmpty)
        {
            return null;
        }

        if (EmailDomain.Of(Label(claims, "email")) is not { } domain || !rules.AllowedEmailDomains.Contains(domain))
        {
            return Refused(
                "email_domain_not_allowed",
                "No access",
                "Your email address is not in a domain that may use Paperless here.",
                "GATEWAY_ALLOWED_EMAIL_DOMAINS does not name the domain of the claim \"email\".",
                subject).Refusal;
        }

        return ClaimGate.IsEmailVerified(claims)
            ? null
            : Refused(
                "email_not_verified",
                "No access",
                $"{provider.Name} does not say that it has verified your email address.",
                "The claim \"email_verified\" is not true. Let the provider send it, or use GATEWAY_REQUIRED_CLAIMS in place of "
                + "GATEWAY_ALLOWED_EMAIL_DOMAINS.",
                subject).Refusal;
    }

    /// <summary>`GATEWAY_USERNAME_MAP`; null where there is no name, or the map drops it.</summary>
    private string? MapUsername(string? name)
    {
        try
        {
            if (name is null || !settings.Identity.UsernameMap.TryMap([name], out string? mapped))
            {
                return name;
            }

            return string.IsNullOrWhiteSpace(mapped) ? null : mapped;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private static string[] Shown(ImmutableArray<string> names)
    {
        string[] shown = [.. names.Take(MaxShownGroups).Select(name => name.Length <= MaxShownLength ? name : name[..MaxShownLength] + "…")];
        return names.Length > shown.Length ? [.. shown, $"and {names.Length - shown.Length} more"] : shown;
    }

    private (Person?, Refusal) RefusedByGroups(ProviderSettings provider, GroupsOfPerson groups, string subject)
    {
        string claim = settings.Identity.GroupsClaim;
        if (groups.IsOverage)
        {
            return Refused(
                "groups_overage",
                "No access",
                $"You belong to more groups than {provider.Name} sends, so the gateway does not know them.",
                $"The claim \"{claim}\" was left out. Let the provider send only the groups that are assigned to this application, or send roles.",
                subject);
        }

        if (groups.Unreadable is not null)
        {
            return Refused(
                "groups_unreadable",
                "No access",
                "The gateway cannot read which groups you belong to.",
                $"{provider.Name} sends the claim \"{claim}\" in a form that the gateway does not know. The log has the value (GroupsUnreadable). The provider "
                + "should send a list of names.",
                subject);
        }

        if (groups.Mapped is null)
        {
            return Refused(
                "groups_absent",
                "No access",
                $"{provider.Name} did not say which groups you belong to.",
                $"The claim \"{claim}\" is missing. Add it at the provider, or correct GATEWAY_GROUPS_CLAIM.",
                subject);
        }

        return Refused(
            "group_not_allowed",
            "No access",
            "You belong to none of the groups that may use Paperless here.",
            $"GATEWAY_ALLOWED_GROUPS names no group of the claim \"{claim}\". Add the person to one at the provider.",
            subject);
    }

    private void WarnOfGroups(ProviderSettings provider, GroupsOfPerson groups, string subject)
    {
        string claim = settings.Identity.GroupsClaim;
        if (groups.IsOverage && groups.Mapped is null)
        {
            GroupsOverage(provider.Id, claim, subject);
            warnings.Report(provider.Id, "was left out as too long (overage)");
        }
        else if (groups.Unreadable is { } shape)
        {
            GroupsUnreadable(provider.Id, claim, subject, shape);
            warnings.Report(provider.Id, $"could not be read: {shape}");
        }
        else if (groups.Mapped is null)
        {
            GroupsAbsent(provider.Id, claim, subject);
        }
    }

    /// <summary>Null where the settings name no such groups of this provider, or the provider's groups are not known: then the flag stays as it is.</summary>
    private static bool? HasFlag(GroupsOfPerson groups, ImmutableHashSet<string> names) => names.IsEmpty ? null : groups.IsMember(names);

    /// <param name="operators">The claim or the setting, and the remedy.</param>
    private static (Person? Person, Refusal Refusal) Refused(string code, PageText title, PageText detail, string operators, string? subject = null) =>
        (null, new Refusal(403, code, title, detail)
        {
            Remedy = Refusal.AskTheOperator,
            ForTheOperator = subject is null ? operators : $"{operators} Subject {subject}",
        });

    private static (Person?, Refusal) Unreadable(ProviderSettings provider, string claim, string error, string correction) => Refused(
        "claim_unreadable",
        "A claim cannot be read",
        $"The gateway cannot read what {provider.Name} says of you.",
        $"{provider.Name} sent a claim that the gateway cannot read: \"{claim}\" {error}. Change the claim at the provider, or {correction}.");

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
