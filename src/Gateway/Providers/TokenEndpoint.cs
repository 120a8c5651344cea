using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>Exchanges a code or a refresh token for tokens (RFC 6749, sections 4.1.3 and 6), with the client authentication of the provider.</summary>
internal sealed partial class TokenEndpoint(ProviderSettings provider, HttpClient backchannel, ILogger<TokenEndpoint> logger)
{
    /// <summary>In characters. A longer token is not stored with the session, and the recheck uses another method.</summary>
    private const int MaxStoredTokenLength = 16 * 1024;

    /// <summary>Whether the provider has refused the secret by Basic and accepted it in the form.</summary>
    private int _needsForm;

    /// <exception cref="ProviderRefusedException">The provider answered with an `error`.</exception>
    /// <exception cref="ProviderUnavailableException">The provider did not answer, or its answer contains no tokens.</exception>
    public async Task<OpenIdConnectMessage> RedeemAsync(OpenIdConnectMessage message, OpenIdConnectConfiguration configuration, CancellationToken cancel)
    {
        TokenAuthMethod method = AuthMethod(configuration);
        try
        {
            return await SendAsync(message, configuration, method, cancel);
        }
        catch (ProviderRefusedException refused) when (refused.Error == "invalid_client" && method == TokenAuthMethod.ClientSecretBasic
            && OffersPost(configuration))
        {
            // Some providers do not decode the credentials (authentik before 2026.2.2). A failed client authentication does not use up the code.
            OpenIdConnectMessage answer = await SendAsync(message, configuration, TokenAuthMethod.ClientSecretPost, cancel);
            if (Interlocked.Exchange(ref _needsForm, 1) == 0)
            {
                BasicRefused(provider.Id);
            }

            return answer;
        }
    }

    private async Task<OpenIdConnectMessage> SendAsync(
        OpenIdConnectMessage message,
        OpenIdConnectConfiguration configuration,
        TokenAuthMethod method,
        CancellationToken cancel)
    {
        Dictionary<string, string> form = new(message.Parameters, StringComparer.Ordinal) { ["client_id"] = provider.ClientId };
        form.Remove("client_secret");
        using HttpRequestMessage request = new(HttpMethod.Post, configuration.TokenEndpoint);
        switch (method)
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
            return Read(await response.Content.ReadAsStringAsync(cancel), response, configuration.TokenEndpoint);
        }
        catch (Exception error) when (error is HttpRequestException or InvalidOperationException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // .NET throws InvalidOperationException at an unknown charset.
            throw ProviderFailureText.From(error, configuration.TokenEndpoint);
        }
    }

    /// <summary>The tokens of an answer that are stored with the session.</summary>
    /// <param name="previous">The previous tokens. The answer may omit tokens that do not change (RFC 6749, section 6).</param>
    /// <param name="askedAt">When the request was sent.</param>
    public static ProviderTokens ToStoredTokens(OpenIdConnectMessage answer, ProviderTokens? previous, DateTimeOffset askedAt, DateTimeOffset now) => new(
        answer.IdToken is { Length: > 0 } idToken ? idToken : previous?.IdToken ?? "",
        OmitIfTooLong(answer.RefreshToken) ?? previous?.RefreshToken,
        OmitIfTooLong(answer.AccessToken),
        int.TryParse(answer.ExpiresIn, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) ? now.AddSeconds(seconds) : null,
        answer.IdToken is { Length: > 0 } ? askedAt : previous?.IdTokenAt);

    private static string? OmitIfTooLong(string? token) => token is { Length: > 0 and <= MaxStoredTokenLength } ? token : null;

    /// <summary>`token_auth_method` if it is set; else client_secret_post if the provider supports it, because providers decode Basic differently; else
    /// client_secret_basic.</summary>
    private TokenAuthMethod AuthMethod(OpenIdConnectConfiguration configuration)
    {
        if (provider.TokenAuthMethod is { } chosen)
        {
            return chosen == TokenAuthMethod.ClientSecretBasic && Volatile.Read(ref _needsForm) == 1 ? TokenAuthMethod.ClientSecretPost : chosen;
        }

        return OffersPost(configuration) ? TokenAuthMethod.ClientSecretPost : TokenAuthMethod.ClientSecretBasic;
    }

    private static bool OffersPost(OpenIdConnectConfiguration configuration) =>
        configuration.TokenEndpointAuthMethodsSupported.Contains("client_secret_post");

    /// <summary>Both parts are encoded before base64 (RFC 6749, section 2.3.1).</summary>
    /// <remarks>A space is `%20`: servers that decode a form understand it as well as servers that only percent-decode, such as authentik.</remarks>
    private string BasicCredential() =>
        Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(provider.ClientId)}:{Uri.EscapeDataString(provider.ClientSecret)}"));

    private static OpenIdConnectMessage Read(string body, HttpResponseMessage response, string endpoint)
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
            // Reported below, with the status. For example, the error page of a proxy is no JSON.
        }

        throw ProviderFailureText.AnsweredOtherwise(endpoint, response, body, "tokens");
    }

    [LoggerMessage(
        EventId = 3024,
        EventName = "BasicRefused",
        Level = LogLevel.Warning,
        Message = "{Provider} refuses the client secret by HTTP Basic and accepts it in the form, where the gateway sends it from now on. Write "
            + "client_secret_post as token_auth_method in PAPERLESS_SOCIALACCOUNT_PROVIDERS")]
    private partial void BasicRefused(string provider);
}
