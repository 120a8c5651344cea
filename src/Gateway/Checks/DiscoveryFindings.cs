using Gateway.Providers;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Checks;

/// <summary>What a valid discovery document says about what will and will not work.</summary>
internal static class DiscoveryFindings
{
    public static IEnumerable<Finding> Of(string subject, ProviderSettings provider, OpenIdConnectConfiguration discovered)
    {
        int keys = discovered.SigningKeys.Count + (discovered.JsonWebKeySet?.Keys.Count(Ed25519Signature.IsKey) ?? 0);
        yield return Finding.Good(subject, $"issuer {discovered.Issuer}, {keys} signing keys");

        Uri document = provider.DiscoveryUrl;
        foreach ((string name, string? value) in Endpoints(discovered))
        {
            if (!Uri.TryCreate(value, UriKind.Absolute, out Uri? endpoint))
            {
                continue;
            }

            if (endpoint.Scheme != document.Scheme)
            {
                yield return Finding.Warning(
                    subject,
                    $"the {name} {endpoint} has another scheme than {document}",
                    "Let the proxy before the provider send X-Forwarded-Proto; authentik builds its addresses from it");
            }
            else if (endpoint.Authority != document.Authority)
            {
                yield return Finding.Warning(
                    subject,
                    $"the {name} is at {endpoint.Authority}, the discovery document at {document.Authority}",
                    "If that is not on purpose, let the proxy before the provider keep the Host header");
            }
        }

        ICollection<string> algorithms = discovered.IdTokenSigningAlgValuesSupported;
        if (algorithms.Count > 0 && !algorithms.Any(SigningAlgorithms.Supported.Contains))
        {
            yield return Finding.Problem(
                subject,
                $"the provider signs ID tokens only by {string.Join(", ", algorithms)}, which the gateway cannot check",
                "Choose a key for RS256, ES256 or EdDSA at the provider");
        }

        if (keys == 0 && !algorithms.Contains("HS256"))
        {
            yield return Finding.Problem(
                subject,
                "the provider publishes no signing key",
                "At authentik, choose a Signing Key in the provider's protocol settings");
        }

        if (discovered.EndSessionEndpoint is null or "")
        {
            yield return Finding.Warning(
                subject,
                "there is no end_session_endpoint, so a logout ends the gateway's session and Paperless's, but not the provider's",
                "Switch on RP-initiated logout at the provider, if it has it");
        }

        if (!SupportsBackChannelLogout(discovered))
        {
            yield return Finding.Warning(
                subject,
                "the provider announces no back-channel logout, so a logout elsewhere ends the gateway's session only at the next recheck",
                "authentik has it since 2025.8");
        }

        if (!discovered.ScopesSupported.Contains("offline_access"))
        {
            yield return Finding.Warning(
                subject,
                "the scope offline_access is not offered, so rechecks use userinfo and silent authentication",
                "At authentik, add the scope mapping offline_access to the provider's scopes");
        }
    }

    private static IEnumerable<(string Name, string? Value)> Endpoints(OpenIdConnectConfiguration discovered) =>
    [
        ("authorization_endpoint", discovered.AuthorizationEndpoint), ("token_endpoint", discovered.TokenEndpoint),
        ("jwks_uri", discovered.JwksUri), ("userinfo_endpoint", discovered.UserInfoEndpoint), ("end_session_endpoint", discovered.EndSessionEndpoint),
    ];

    private static bool SupportsBackChannelLogout(OpenIdConnectConfiguration discovered) =>
        discovered.AdditionalData.TryGetValue("backchannel_logout_supported", out object? value) && value?.ToString() is "True" or "true";
}
