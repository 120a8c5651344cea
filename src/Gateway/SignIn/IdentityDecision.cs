using System.Text.Json;
using Gateway.Groups;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.SignIn;

/// <summary>Decides who the claims speak of, and whether that person may come in. Refusals go before anything is written.</summary>
internal sealed partial class IdentityDecision(GatewaySettings settings, ILogger<IdentityDecision> logger)
{
    /// <returns>The identity, or the refusal.</returns>
    public (Identity? Identity, Refusal? Refusal) Decide(ProviderSettings provider, string issuer, JsonElement claims)
    {
        IdentitySettings rules = settings.Identity;
        if (Text(claims, provider.SubjectClaim) is not { } subject)
        {
            return Refused("subject_missing", "No subject", $"{provider.Name} did not say who you are: the claim \"{provider.SubjectClaim}\" is missing.", "The operator can correct \"uid_field\" in PAPERLESS_SOCIALACCOUNT_PROVIDERS.");
        }

        GroupsOfPerson groups = GroupClaims.Read(claims, rules.GroupsClaim, rules.GroupMap);
        if (!groups.IsAllowed(rules.AllowedGroups))
        {
            return groups.Mapped is null
                ? Refused("groups_absent", "No access", $"{provider.Name} did not say which groups you belong to: the claim \"{rules.GroupsClaim}\" is missing.", "The operator can add it at the provider, or correct GATEWAY_GROUPS_CLAIM.", subject)
                : Refused("group_not_allowed", "No access", "You belong to none of the groups that may use Paperless here.", "Ask the person who runs it to add you to one.", subject);
        }

        if (Text(claims, rules.UsernameClaim) is not { } username)
        {
            return Refused("username_missing", "No user name", $"{provider.Name} did not give you a user name: the claim \"{rules.UsernameClaim}\" is missing.", "The operator can correct GATEWAY_USERNAME_CLAIM, or add the claim at the provider.", subject);
        }

        if (Username.Fault(username) is { } fault)
        {
            return Refused("username_unusable", "This user name does not work", $"The user name that {provider.Name} gave you {fault}.", $"The operator can change it at the provider, or choose another claim with GATEWAY_USERNAME_CLAIM.", subject);
        }

        if (groups.Mapped is null)
        {
            GroupsAbsent(provider.Id, rules.GroupsClaim, subject);
        }

        return (new Identity(
            provider.Id,
            issuer,
            subject,
            username,
            Text(claims, "name"),
            Text(claims, "email"),
            groups.Mapped,
            groups.Mapped is null ? null : rules.GroupsClaim), null);
    }

    private static (Identity?, Refusal) Refused(string code, string title, string detail, string remedy, string? subject = null) =>
        (null, new Refusal(403, code, title, detail) { Remedy = remedy, ForTheLog = subject is null ? detail : $"{detail} Subject {subject}" });

    /// <summary>A claim that is a text, or a number as its text; bounded, so that no claim fills the store.</summary>
    private static string? Text(JsonElement claims, string claim)
    {
        _ = ClaimPath.TryFind(claims, claim, out JsonElement value);
        string? text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : ClaimPath.Text(value);
        return text is { Length: > 0 and <= 1000 } ? text : null;
    }

    [LoggerMessage(EventId = 3010, EventName = "GroupsAbsent", Level = LogLevel.Warning, Message = "{Provider} sent no claim {Claim} for {Subject}: groups are unknown, which is not the same as none")]
    private partial void GroupsAbsent(string provider, string claim, string subject);
}
