using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Primitives;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Interop;

/// <summary>A relying party from the specifications alone, so that a fault of the gateway's is not measured against itself.</summary>
internal sealed class HandMadeClient : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });
    private readonly string _verifier = Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(32));
    private readonly string _nonce = Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(16));
    private readonly OidcProviderSettings _settings;
    private JsonElement _discovery;
    private JsonWebKeySet _keys = new();

    private HandMadeClient(OidcProviderSettings settings) => _settings = settings;

    public delegate void Authentication(OidcProviderSettings client, HttpRequestMessage request, Dictionary<string, string> form);

    public IEnumerable<string> KeyIds => _keys.Keys.Select(k => k.Kid);

    public static async Task<HandMadeClient> DiscoverAsync(Uri issuer, OidcProviderSettings settings, CancellationToken ct)
    {
        HandMadeClient client = new HandMadeClient(settings);
        try
        {
            client._discovery = await client._http.GetFromJsonAsync<JsonElement>(new Uri(issuer, ".well-known/openid-configuration"), ct);
            client._keys = new JsonWebKeySet(await client._http.GetStringAsync(client.Endpoint("jwks_uri"), ct));
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public Uri Authorize(string more = "", bool pkce = true)
    {
        string challenge = Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(_verifier)));
        return new Uri($"{Endpoint("authorization_endpoint")}?response_type=code&client_id={Uri.EscapeDataString(_settings.ClientId)}"
            + $"&redirect_uri={Uri.EscapeDataString(_settings.RedirectUris[0].OriginalString)}"
            + $"&scope=openid%20profile%20email%20offline_access&state=s1&nonce={_nonce}"
            + (pkce ? $"&code_challenge={challenge}&code_challenge_method=S256" : "")
            + $"&{more}");
    }

    public Uri EndSession(JsonElement tokens, Uri returnTo, string state) =>
        new($"{Endpoint("end_session_endpoint")}?id_token_hint={tokens.GetProperty("id_token").GetString()}"
            + $"&post_logout_redirect_uri={Uri.EscapeDataString(returnTo.OriginalString)}&state={state}");

    public async Task<JsonElement> RedeemAsync(Uri back, CancellationToken ct)
    {
        using HttpResponseMessage response = await TokenAsync(CodeGrant(back), Registered, ct);
        return await ReadAsync(response, ct);
    }

    public async Task<HttpStatusCode> TryRedeemAsync(Uri back, Authentication authentication, CancellationToken ct)
    {
        using HttpResponseMessage response = await TokenAsync(CodeGrant(back), authentication, ct);
        return response.StatusCode;
    }

    public async Task<JsonElement> RefreshAsync(JsonElement tokens, CancellationToken ct)
    {
        Dictionary<string, string> form = new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = tokens.GetProperty("refresh_token").GetString()!,
        };
        using HttpResponseMessage response = await TokenAsync(form, Registered, ct);
        return await ReadAsync(response, ct);
    }

    public async Task<JsonElement> UserinfoAsync(JsonElement tokens, CancellationToken ct)
    {
        using HttpRequestMessage request = new HttpRequestMessage(HttpMethod.Get, Endpoint("userinfo_endpoint"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.GetProperty("access_token").GetString());
        using HttpResponseMessage response = await _http.SendAsync(request, ct);
        return await ReadAsync(response, ct);
    }

    public async Task<JsonWebToken> ValidateAsync(JsonElement tokens, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        TokenValidationResult result = await new JsonWebTokenHandler().ValidateTokenAsync(tokens.GetProperty("id_token").GetString(),
            new TokenValidationParameters
            {
                ValidIssuer = _discovery.GetProperty("issuer").GetString(),
                ValidAudience = _settings.ClientId,
                IssuerSigningKeys = _keys.GetSigningKeys(),
                ValidAlgorithms = [_settings.IdTokenSignedResponseAlg],
            });
        Assert.True(result.IsValid, result.Exception?.Message);
        JsonWebToken token = (JsonWebToken)result.SecurityToken;
        Assert.Equal(_nonce, token.GetPayloadValue<string>("nonce"));
        return token;
    }

    public void Dispose() => _http.Dispose();

    public static void Basic(OidcProviderSettings client, HttpRequestMessage request, Dictionary<string, string> form) =>
        SetBasic(request, WebUtility.UrlEncode(client.ClientId), WebUtility.UrlEncode(client.ClientSecret));

    /// <summary>What a client does that forgets to encode.</summary>
    public static void RawBasic(OidcProviderSettings client, HttpRequestMessage request, Dictionary<string, string> form) =>
        SetBasic(request, client.ClientId, client.ClientSecret);

    public static void Post(OidcProviderSettings client, HttpRequestMessage request, Dictionary<string, string> form)
    {
        form["client_id"] = client.ClientId;
        form["client_secret"] = client.ClientSecret;
    }

    private static void SetBasic(HttpRequestMessage request, string id, string secret) =>
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{id}:{secret}")));

    private void Registered(OidcProviderSettings client, HttpRequestMessage request, Dictionary<string, string> form)
    {
        Authentication way = _settings.TokenEndpointAuthMethod == "client_secret_post" ? Post : Basic;
        way(client, request, form);
    }

    private Dictionary<string, string> CodeGrant(Uri back)
    {
        Dictionary<string, StringValues> query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(back.Query);
        Assert.Equal("s1", query["state"]);
        Assert.Equal(_discovery.GetProperty("issuer").GetString(), query["iss"]);
        return new()
        {
            ["grant_type"] = "authorization_code",
            ["code"] = query["code"].ToString(),
            ["redirect_uri"] = _settings.RedirectUris[0].OriginalString,
            ["code_verifier"] = _verifier,
        };
    }

    private async Task<HttpResponseMessage> TokenAsync(Dictionary<string, string> form, Authentication authentication, CancellationToken ct)
    {
        using HttpRequestMessage request = new HttpRequestMessage(HttpMethod.Post, Endpoint("token_endpoint"));
        authentication(_settings, request, form);
        request.Content = new FormUrlEncodedContent(form);
        return await _http.SendAsync(request, ct);
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        string body = await response.Content.ReadAsStringAsync(ct);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {body}");
        return JsonSerializer.Deserialize<JsonElement>(body);
    }

    private Uri Endpoint(string name) => new(_discovery.GetProperty(name).GetString()!);
}
