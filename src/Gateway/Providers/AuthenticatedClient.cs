using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>
/// Sends requests to the endpoints of a provider that authenticate the client (RFC 6749, section 2.3): the token endpoint, and the endpoint of
/// pushed authorization requests.
/// </summary>
internal sealed partial class AuthenticatedClient(ProviderSettings provider, HttpClient backchannel, TimeProvider time, ILogger<AuthenticatedClient> logger)
{
    /// <summary>Null without a private key.</summary>
    private readonly ClientAssertion? _assertion = provider.ClientKey is null ? null : new ClientAssertion(provider, time);

    /// <summary>Whether the provider has refused the secret by Basic and accepted it in the form.</summary>
    private int _needsForm;

    /// <summary>Whether the provider last accepted an assertion for the endpoint, after it had refused one for its issuer.</summary>
    private volatile bool _wantsEndpointAsAudience;

    /// <param name="expected">What a good answer contains, for error messages.</param>
    /// <exception cref="ProviderRefusedException">The provider answered with an `error`.</exception>
    /// <exception cref="ProviderUnavailableException">The provider did not answer, or its answer is of another kind.</exception>
    public Task<OpenIdConnectMessage> PostAsync(
        string endpoint,
        OpenIdConnectMessage message,
        OpenIdConnectConfiguration configuration,
        string expected,
        CancellationToken cancel)
    {
        ClientRequest request = new(endpoint, message, configuration, expected);
        return _assertion is null ? PostWithSecretAsync(request, cancel) : PostWithKeyAsync(request, _assertion, cancel);
    }

    private async Task<OpenIdConnectMessage> PostWithSecretAsync(ClientRequest request, CancellationToken cancel)
    {
        TokenAuthMethod method = AuthMethod(request.Configuration);
        try
        {
            return await SendAsync(request, WithSecret(method), cancel);
        }
        catch (ProviderRefusedException refused) when (refused.Error == "invalid_client" && method == TokenAuthMethod.ClientSecretBasic
            && OffersPost(request.Configuration))
        {
            // Some providers do not decode the credentials (authentik before 2026.2.2). A failed client authentication does not use up the code.
            OpenIdConnectMessage answer = await SendAsync(request, WithSecret(TokenAuthMethod.ClientSecretPost), cancel);
            if (Interlocked.Exchange(ref _needsForm, 1) == 0)
            {
                BasicRefused(provider.Id);
            }

            return answer;
        }
    }

    /// <remarks>
    /// The audience is the issuer, which is checked to be the provider's. Some providers accept only the address of their endpoint: they get that
    /// address, and only where the request goes, so that one provider cannot obtain an assertion for another.
    /// </remarks>
    private async Task<OpenIdConnectMessage> PostWithKeyAsync(ClientRequest request, ClientAssertion assertion, CancellationToken cancel)
    {
        // A template of Microsoft Entra is nobody's name.
        bool isTemplate = TenantIssuer.IsTemplate(request.Configuration.Issuer);
        bool isForEndpoint = _wantsEndpointAsAudience || isTemplate;
        try
        {
            return await SendAsync(request, WithAssertion(isForEndpoint), cancel);
        }
        catch (ProviderRefusedException refused) when (refused.Error == "invalid_client" && !isTemplate)
        {
            OpenIdConnectMessage answer = await SendAsync(request, WithAssertion(!isForEndpoint), cancel);
            _wantsEndpointAsAudience = !isForEndpoint;
            return answer;
        }

        Action<HttpRequestMessage, Dictionary<string, string>> WithAssertion(bool forEndpoint) => (_, form) =>
        {
            form["client_assertion_type"] = ClientAssertion.Type;
            form["client_assertion"] = assertion.Create(forEndpoint ? request.Endpoint : request.Configuration.Issuer, request.Configuration);
        };
    }

    private Action<HttpRequestMessage, Dictionary<string, string>> WithSecret(TokenAuthMethod method) => (request, form) =>
    {
        if (method == TokenAuthMethod.ClientSecretBasic)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", BasicCredential());
        }
        else if (method == TokenAuthMethod.ClientSecretPost)
        {
            form["client_secret"] = provider.ClientSecret;
        }
    };

    /// <param name="authenticate">Adds the client's authentication to the headers or to the form.</param>
    private async Task<OpenIdConnectMessage> SendAsync(
        ClientRequest asked,
        Action<HttpRequestMessage, Dictionary<string, string>> authenticate,
        CancellationToken cancel)
    {
        Dictionary<string, string> form = new(asked.Message.Parameters, StringComparer.Ordinal) { ["client_id"] = provider.ClientId };
        form.Remove("client_secret");
        using HttpRequestMessage request = new(HttpMethod.Post, asked.Endpoint);
        authenticate(request, form);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Content = new FormUrlEncodedContent(form);
        try
        {
            using HttpResponseMessage response = await backchannel.SendAsync(request, cancel);
            return Read(await response.Content.ReadAsStringAsync(cancel), response, asked);
        }
        catch (Exception error) when (error is HttpRequestException or InvalidOperationException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // .NET throws InvalidOperationException at an unknown charset.
            throw ProviderFailureText.From(error, asked.Endpoint);
        }
    }

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

    private static OpenIdConnectMessage Read(string body, HttpResponseMessage response, ClientRequest asked)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                if (json.RootElement.TryGetProperty("error", out JsonElement error))
                {
                    string? description = json.RootElement.TryGetProperty("error_description", out JsonElement text) ? text.ToString() : null;
                    throw new ProviderRefusedException(error.ToString(), description)
                    {
                        Answered = $"{asked.Endpoint} answered {(int)response.StatusCode}",
                    };
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

        throw ProviderFailureText.AnsweredOtherwise(asked.Endpoint, response, body, asked.Expected);
    }

    /// <param name="Expected">What a good answer contains, for error messages.</param>
    private sealed record ClientRequest(string Endpoint, OpenIdConnectMessage Message, OpenIdConnectConfiguration Configuration, string Expected);

    [LoggerMessage(
        EventId = 3024,
        EventName = "BasicRefused",
        Level = LogLevel.Warning,
        Message = "{Provider} refuses the client secret by HTTP Basic and accepts it in the form, where the gateway sends it from now on. Write "
            + "client_secret_post as token_auth_method in PAPERLESS_SOCIALACCOUNT_PROVIDERS")]
    private partial void BasicRefused(string provider);
}
