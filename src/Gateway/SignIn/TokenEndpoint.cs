using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.SignIn;

/// <summary>Exchanges the code for tokens (RFC 6749, section 4.1.3), authenticated the way the client is registered for.</summary>
internal sealed class TokenEndpoint(ProviderSettings provider, HttpClient backchannel)
{
    /// <exception cref="ProviderRefusedException">The provider answered with an `error`.</exception>
    /// <exception cref="ProviderUnavailableException">It did not answer, or not with tokens.</exception>
    public async Task<OpenIdConnectMessage> RedeemAsync(OpenIdConnectMessage message, OpenIdConnectConfiguration configuration, CancellationToken cancel)
    {
        Dictionary<string, string> form = new(message.Parameters, StringComparer.Ordinal) { ["client_id"] = provider.ClientId };
        form.Remove("client_secret");
        using HttpRequestMessage request = new(HttpMethod.Post, configuration.TokenEndpoint);
        switch (Method(configuration))
        {
            case TokenAuthMethod.ClientSecretBasic:
                request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Basic());
                break;
            case TokenAuthMethod.ClientSecretPost:
                form["client_secret"] = provider.ClientSecret;
                break;
            case TokenAuthMethod.None:
                break;
        }

        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Content = new FormUrlEncodedContent(form);
        try
        {
            using HttpResponseMessage response = await backchannel.SendAsync(request, cancel);
            return Read(await response.Content.ReadAsStringAsync(cancel), response);
        }
        catch (InvalidOperationException error)
        {
            // .NET's word for a charset that does not exist.
            throw new ProviderUnavailableException("the token endpoint's answer cannot be read", error);
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new ProviderUnavailableException($"{configuration.TokenEndpoint} does not answer", error);
        }
    }

    /// <summary>`token_auth_method` where it is set; else the form, whose values no provider decodes differently; else Basic.</summary>
    private TokenAuthMethod Method(OpenIdConnectConfiguration configuration)
    {
        if (provider.TokenAuthMethod is { } chosen)
        {
            return chosen;
        }

        return configuration.TokenEndpointAuthMethodsSupported.Contains("client_secret_post")
            ? TokenAuthMethod.ClientSecretPost
            : TokenAuthMethod.ClientSecretBasic;
    }

    /// <summary>Both parts form-encoded first (RFC 6749, section 2.3.1).</summary>
    private string Basic() =>
        Convert.ToBase64String(Encoding.ASCII.GetBytes($"{FormEncode(provider.ClientId)}:{FormEncode(provider.ClientSecret)}"));

    private static string FormEncode(string text) => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal);

    private static OpenIdConnectMessage Read(string body, HttpResponseMessage response)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                if (json.RootElement.TryGetProperty("error", out JsonElement error))
                {
                    string? description = json.RootElement.TryGetProperty("error_description", out JsonElement text) ? text.ToString() : null;
                    throw new ProviderRefusedException(error.ToString(), description);
                }

                if (response.IsSuccessStatusCode)
                {
                    return new OpenIdConnectMessage(body);
                }
            }
        }
        catch (JsonException)
        {
            // Said below, with the status: a proxy's error page in between is no JSON.
        }

        throw new ProviderUnavailableException($"the token endpoint answered {(int)response.StatusCode} without tokens");
    }
}
