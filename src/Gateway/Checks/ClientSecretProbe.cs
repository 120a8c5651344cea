using System.Security.Cryptography;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.SignIn;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Checks;

/// <summary>
/// Exchanges a made-up code: a provider that accepts the client's credential answers `invalid_grant`, otherwise `invalid_client` (RFC 6749, section 5.2).
/// </summary>
internal sealed class ClientSecretProbe(Provider provider, GatewaySettings settings)
{
    public const string Thing = "client secret";

    /// <returns>The finding; the caller names the subject.</returns>
    public async Task<Finding> RunAsync(OpenIdConnectConfiguration configuration, CancellationToken cancel)
    {
        OpenIdConnectMessage exchange = new()
        {
            GrantType = OpenIdConnectGrantTypes.AuthorizationCode,
            Code = $"gateway-check-{Base64UrlTextEncoder.Encode(RandomNumberGenerator.GetBytes(16))}",
            RedirectUri = SignInFeature.RedirectUri(settings, provider.Settings.Id),
        };
        exchange.Parameters["code_verifier"] = Base64UrlTextEncoder.Encode(RandomNumberGenerator.GetBytes(32));
        try
        {
            await provider.TokenEndpoint.RedeemAsync(exchange, configuration, cancel);
            return Finding.Problem(Thing, "the provider gives tokens for a made-up code", "Do not use this provider");
        }
        catch (ProviderRefusedException refused)
        {
            return Judge(ProviderFailureText.ErrorCode(refused.Error));
        }
        catch (ProviderUnavailableException failure)
        {
            return Finding.Problem(Thing, failure.Message, failure.Remedy ?? "Check that the provider runs");
        }
    }

    private Finding Judge(string error) => error switch
    {
        "invalid_grant" => provider.Settings.ClientSecret.Length == 0
            ? Finding.Good(Thing, "not needed by this provider")
            : Finding.Good(Thing, "the provider accepts it"),
        "invalid_client" => Finding.Problem(
            Thing,
            "the provider refuses it (invalid_client)",
            "If the client ID is right, copy the client secret from the provider into \"secret\" of PAPERLESS_SOCIALACCOUNT_PROVIDERS; the "
                + "token_auth_method may also be another one") with
        {
            PreventsSignIn = true,
        },
        "unauthorized_client" or "unsupported_grant_type" => Finding.Problem(
            Thing,
            $"the provider does not allow this client the authorization code flow ({error})",
            "Allow the grant type authorization_code for the client at the provider"),
        _ => Finding.Warning(Thing, $"the provider answers {error} to a made-up code, which proves nothing", "Try a sign-in"),
    };
}
