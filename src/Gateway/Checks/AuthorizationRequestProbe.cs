using System.Security.Cryptography;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.SignIn;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Checks;

/// <summary>
/// Sends the authorization request of a sign-in and follows no redirect: a provider that knows the client answers with its login page, and one that
/// does not, with an error (RFC 6749, section 4.1.2.1).
/// </summary>
internal sealed class AuthorizationRequestProbe(Provider provider, GatewaySettings settings)
{
    public const string Thing = "client ID, redirect URI and scopes";

    private const string NotRefused = "the provider does not refuse the request of a sign-in";

    private static readonly TimeSpan PushTimeout = TimeSpan.FromSeconds(8);

    private string RedirectUri => SignInFeature.RedirectUri(settings, provider.Settings.Id);

    /// <returns>The finding; the caller names the subject.</returns>
    public async Task<Finding> RunAsync(OpenIdConnectConfiguration configuration, CancellationToken cancel)
    {
        string endpoint = configuration.AuthorizationEndpoint;
        try
        {
            using HttpResponseMessage response = await provider.Backchannel
                .GetAsync(await AddressAsync(configuration, cancel), HttpCompletionOption.ResponseHeadersRead, cancel);
            return Judge(endpoint, response);
        }
        catch (ProviderRefusedException refused)
        {
            return JudgeError(ProviderFailureText.ErrorCode(refused.Error));
        }
        catch (Exception error) when (ProviderFailureText.IsFailure(error, cancel))
        {
            ProviderUnavailableException failure = ProviderFailureText.From(error, endpoint);
            return Finding.Problem(Thing, failure.Message, failure.Remedy ?? "Check that the provider runs");
        }
    }

    private Finding Judge(string endpoint, HttpResponseMessage response)
    {
        int status = (int)response.StatusCode;
        if (status is >= 300 and < 400 && response.Headers.Location is { } location)
        {
            return Uri.TryCreate(new Uri(endpoint), location, out Uri? target) && target.AbsoluteUri.StartsWith(RedirectUri, StringComparison.Ordinal)
                ? JudgeAnswer(target)
                : Finding.Good(Thing, NotRefused);
        }

        return status switch
        {
            < 300 => Finding.Good(Thing, NotRefused),
            400 or 401 or 403 or 404 => Finding.Problem(
                Thing,
                $"{endpoint} answers {status} to the client {provider.Settings.ClientId} with the redirect URI {RedirectUri}",
                "Compare client_id in PAPERLESS_SOCIALACCOUNT_PROVIDERS with the provider's Client ID, and register exactly this redirect URI there")
                with
            {
                // RFC 6749, section 4.1.2.1. The others may be a proxy's before the provider.
                PreventsSignIn = status == 400,
            },
            _ => Finding.Problem(Thing, $"{endpoint} answers {status}", "The log of the provider, or of a proxy before it, has the reason"),
        };
    }

    /// <summary>The provider redirected to the gateway: with an error, because nobody is signed in there.</summary>
    private Finding JudgeAnswer(Uri target)
    {
        Dictionary<string, Microsoft.Extensions.Primitives.StringValues> query = QueryHelpers.ParseQuery(target.Query);
        return JudgeError(ProviderFailureText.ErrorCode(query["error"].ToString()));
    }

    private Finding JudgeError(string error) => error switch
    {
        "" or "login_required" or "interaction_required" => Finding.Good(Thing, "the provider accepts the request"),
        "invalid_scope" => Finding.Problem(
            Thing,
            $"the provider refuses the scopes \"{string.Join(' ', provider.Settings.Scopes)}\" (invalid_scope)",
            "Name in SCOPE only scopes that the client may have, or allow them at the provider"),
        "unauthorized_client" or "unsupported_response_type" => Finding.Problem(
            Thing,
            $"the provider does not allow this client the authorization code flow ({error})",
            "Allow the grant type authorization_code for the client at the provider"),
        _ => Finding.Problem(Thing, $"the provider refuses the request ({error})", "Look up this error in the provider's log"),
    };

    /// <summary>As a sign-in: the request is pushed where the provider offers that (RFC 9126).</summary>
    private async Task<Uri> AddressAsync(OpenIdConnectConfiguration configuration, CancellationToken cancel)
    {
        Dictionary<string, string> parameters = Parameters();
        PushedAuthorization.CheckConfiguration(configuration);
        if (!string.IsNullOrEmpty(configuration.PushedAuthorizationRequestEndpoint))
        {
            OpenIdConnectMessage request = new();
            foreach ((string name, string value) in parameters)
            {
                request.SetParameter(name, value);
            }

            if (await provider.PushedAuthorization.PushAsync(request, configuration, PushTimeout, cancel) is { } reference)
            {
                parameters = new() { ["client_id"] = provider.Settings.ClientId, ["request_uri"] = reference };
            }
        }

        return new Uri(QueryHelpers.AddQueryString(configuration.AuthorizationEndpoint, parameters!));
    }

    private Dictionary<string, string> Parameters()
    {
        Dictionary<string, string> parameters = new(StringComparer.Ordinal)
        {
            ["client_id"] = provider.Settings.ClientId,
            ["response_type"] = "code",
            ["redirect_uri"] = RedirectUri,
            ["scope"] = string.Join(' ', provider.Settings.Scopes),
            ["state"] = Random(),
            ["nonce"] = Random(),
            ["code_challenge"] = Base64UrlTextEncoder.Encode(SHA256.HashData(RandomNumberGenerator.GetBytes(32))),
            ["code_challenge_method"] = "S256",
        };
        foreach ((string name, string value) in provider.Settings.AuthorizationParameters)
        {
            parameters[name] = value;
        }

        return parameters;
    }

    private static string Random() => Base64UrlTextEncoder.Encode(RandomNumberGenerator.GetBytes(16));
}
