using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>Exchanges a code or a refresh token for tokens (RFC 6749, sections 4.1.3 and 6), authenticated the way the client is registered for.</summary>
internal sealed class TokenEndpoint(ProviderSettings provider, HttpClient backchannel)
{
    /// <summary>Letters; a longer token is not kept with a session, which then is asked about in other ways.</summary>
    private const int MaxStoredTokenLength = 16 * 1024;

    /// <exception cref="ProviderRefusedException">The provider answered with an `error`.</exception>
    /// <exception cref="ProviderUnavailableException">It did not answer, or not with tokens.</exception>
    public async Task<OpenIdConnectMessage> RedeemAsync(OpenIdConnectMessage message, OpenIdConnectConfiguration configuration, CancellationToken cancel)
    {
        Dictionary<string, string> form = new(message.Parameters, StringComparer.Ordinal) { ["client_id"] = provider.ClientId };
        form.Remove("client_secret");
        using HttpRequestMessage request = new(HttpMethod.Post, configuration.TokenEndpoint);
        switch (AuthMethod(configuration))
        {
            case TokenAuthMethod.ClientSecretBasic:
                request.Headers.Authorization = new AuthenticationHeaderValue("Basic", BasicCredential());
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

    /// <summary>What of an answer is kept with the session.</summary>
    /// <param name="before">The tokens until now: what the answer does not replace stays (RFC 6749, section 6).</param>
    /// <param name="askedAt">Before the answer came.</param>
    public static ProviderTokens ToStoredTokens(OpenIdConnectMessage answer, ProviderTokens? before, DateTimeOffset askedAt, DateTimeOffset now) => new(
        answer.IdToken is { Length: > 0 } idToken ? idToken : before?.IdToken ?? "",
        OmitIfTooLong(answer.RefreshToken) ?? before?.RefreshToken,
        OmitIfTooLong(answer.AccessToken),
        int.TryParse(answer.ExpiresIn, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) ? now.AddSeconds(seconds) : null,
        answer.IdToken is { Length: > 0 } ? askedAt : before?.IdTokenAt);

    private static string? OmitIfTooLong(string? token) => token is { Length: > 0 and <= MaxStoredTokenLength } ? token : null;

    /// <summary>`token_auth_method` where it is set; else the form, whose values no provider decodes differently; else Basic.</summary>
    private TokenAuthMethod AuthMethod(OpenIdConnectConfiguration configuration)
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
    private string BasicCredential() =>
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
        catch (Exception error) when (error is JsonException or ArgumentException or InvalidOperationException)
        {
            // Said below, with the status: a proxy's error page in between is no JSON, and half a character in a text is no Unicode.
        }

        throw new ProviderUnavailableException($"the token endpoint answered {(int)response.StatusCode} without tokens");
    }
}
