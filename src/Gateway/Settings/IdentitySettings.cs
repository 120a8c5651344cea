using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>Which claims determine the Paperless user.</summary>
internal sealed record IdentitySettings(
    string UsernameClaim,
    string GroupsClaim,
    GroupMap GroupMap,
    ImmutableHashSet<string> AllowedGroups)
{
    /// <summary>The entries of `GATEWAY_ALLOWED_GROUPS` that are patterns.</summary>
    public ImmutableArray<ClaimPattern> AllowedGroupPatterns { get; init; } = [];

    /// <summary>`GATEWAY_USERNAME_MAP`: from the provider's user names to those in Paperless.</summary>
    public GroupMap UsernameMap { get; init; } = GroupMap.Empty;

    /// <summary>`GATEWAY_ALLOWED_EMAIL_DOMAINS`; empty: everybody.</summary>
    public ImmutableHashSet<string> AllowedEmailDomains { get; init; } = [];

    /// <summary>`GATEWAY_REQUIRED_CLAIMS`: all of them must hold.</summary>
    public ImmutableArray<RequiredClaim> RequiredClaims { get; init; } = [];
}

/// <summary>A claim that must have one of these values, or that must match one of these patterns.</summary>
internal sealed record RequiredClaim(string Claim, ImmutableArray<string> Values, ImmutableArray<ClaimPattern> Patterns)
{
    public bool Accepts(string value) => Values.Contains(value) || Patterns.Any(pattern => pattern.IsMatch(value));
}
