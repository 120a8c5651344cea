using System.Text.Json;

namespace Gateway.Groups;

/// <summary>
/// Groups that the provider left out because there are too many: Microsoft Entra sends, in place of more than 200 groups, `hasgroups` or the name
/// of the claim in `_claim_names` (OpenID Connect Core 1.0, section 5.6.2).
/// </summary>
internal static class GroupOverage
{
    /// <summary>The claim that Microsoft Entra leaves out.</summary>
    public const string Claim = "groups";

    /// <summary>Whether Microsoft Entra has left out the groups, and they are wanted.</summary>
    /// <param name="claim">One claim, or several with commas between them.</param>
    public static bool AreGroupsLeftOut(JsonElement claims, string claim) =>
        claim.Split(',', StringSplitOptions.TrimEntries).Contains(Claim) && IsLeftOut(claims, Claim);

    /// <summary>What the log says of each claim that was left out.</summary>
    public static IEnumerable<string> Describe(JsonElement claims, IEnumerable<string> names) => names.Where(name => IsLeftOut(claims, name))
        .Select(name => $"the person has too many groups, so the provider left out the claim \"{name}\" (overage)");

    private static bool IsLeftOut(JsonElement claims, string name)
    {
        if (ClaimPath.TryFind(claims, name, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
        {
            return false;
        }

        if (ClaimPath.TryFind(claims, "_claim_names", out JsonElement sources) && ClaimPath.TryFind(sources, name, out _))
        {
            return true;
        }

        return name == Claim && ClaimPath.TryFind(claims, "hasgroups", out JsonElement has)
            && (has.ValueKind == JsonValueKind.True || string.Equals(ClaimPath.Text(has), "true", StringComparison.OrdinalIgnoreCase));
    }
}
