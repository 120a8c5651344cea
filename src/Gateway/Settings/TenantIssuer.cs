using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>
/// Issuers of Microsoft Entra for several tenants: the discovery documents of `common` and `organizations` name a template, and each token names the
/// issuer of its own tenant.
/// </summary>
internal static class TenantIssuer
{
    private const string Placeholder = "{tenantid}";

    /// <summary>What stands in the address of a discovery document where the template has the placeholder.</summary>
    private static readonly ImmutableArray<string> SharedNames = ["common", "organizations"];

    private static readonly ImmutableArray<string> MicrosoftHosts =
    [
        "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.microsoft.com", "login.windows.net",
    ];

    public static bool IsTemplate(string issuer) => issuer.Contains(Placeholder, StringComparison.Ordinal);

    /// <summary>Whether the address is Microsoft's, for the people of every tenant.</summary>
    public static bool IsForEveryTenant(Uri discovery) => MicrosoftHosts.Contains(discovery.IdnHost)
        && SharedNames.Any(name => discovery.AbsolutePath.StartsWith($"/{name}/", StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the template belongs to the address of the discovery document: it differs by the name of the tenant alone.</summary>
    public static bool IsAllowedTemplate(Uri discovery, string template)
    {
        string expected = IssuerRule.ExpectedIssuer(discovery).AbsoluteUri;
        return template.Split($"/{Placeholder}").Length == 2 && SharedNames.Any(name => IssuerRule.IsSame(Resolve(template, name), expected));
    }

    /// <summary>The issuer of a tenant; an issuer that is no template stays as it is.</summary>
    public static string Resolve(string issuer, string tenant) => issuer.Replace(Placeholder, tenant, StringComparison.Ordinal);

    /// <summary>Whether an issuer is the one that the discovery document names, or that of an allowed tenant.</summary>
    public static bool Matches(string announced, string issuer, ProviderSettings provider) => IsTemplate(announced)
        ? provider.AllowedTenants.Any(tenant => Resolve(announced, tenant) == issuer)
        : announced == issuer;

    /// <summary>Whether two discovery documents may name the same issuer.</summary>
    public static bool Overlaps(string one, string other, ProviderSettings provider) => IssuerRule.IsSame(one, other)
        || provider.AllowedTenants.Any(tenant => IssuerRule.IsSame(Resolve(one, tenant), Resolve(other, tenant)));

    /// <summary>Whether a provider may have this issuer, whatever its discovery document says.</summary>
    public static bool IsPossible(ProviderSettings provider, string issuer)
    {
        string expected = IssuerRule.ExpectedIssuer(provider.DiscoveryUrl).AbsoluteUri;
        return IssuerRule.IsAllowed(provider.DiscoveryUrl, issuer) || SharedNames.Any(name => provider.AllowedTenants.Any(
            tenant => IssuerRule.IsSame(expected.Replace($"/{name}", $"/{tenant}", StringComparison.Ordinal), issuer)));
    }
}
