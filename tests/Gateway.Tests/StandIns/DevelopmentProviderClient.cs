using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Gateway.Tests.StandIns;

/// <summary>A browser and an application in one, to try the development provider with.</summary>
internal sealed class DevelopmentProviderClient(DevelopmentProvider provider) : IDisposable
{
    public const string Callback = "http://127.0.0.1:9/callback";
    public const string Verifier = "a-verifier-of-forty-three-characters-or-more";

    private readonly HttpClient _browser = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
    {
        BaseAddress = provider.Address,
    };

    private readonly HttpClient _server = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = provider.Address };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The name under which the application calls the provider, where it is not the browser's.</summary>
    public string? Host { get; set; }

    public static string Challenge => WebEncoders.Base64UrlEncode(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));

    public Task<HttpResponseMessage> GetAsync(string uri) => _browser.GetAsync(new Uri(uri, UriKind.RelativeOrAbsolute), Cancellation);

    public Task<HttpResponseMessage> PostAsync(string uri, params (string Name, string Value)[] form) =>
        _browser.PostAsync(new Uri(uri, UriKind.RelativeOrAbsolute), Form(form), Cancellation);

    /// <summary>Sends the browser to authorize; a change with an empty value takes the parameter away.</summary>
    public Task<HttpResponseMessage> AuthorizeAsync(params (string Name, string Value)[] changes)
    {
        Dictionary<string, string?> query = new()
        {
            ["client_id"] = provider.Options.ClientId,
            ["redirect_uri"] = Callback,
            ["response_type"] = "code",
            ["scope"] = "openid profile email",
            ["state"] = "a state",
            ["nonce"] = "a-nonce",
            ["code_challenge"] = Challenge,
            ["code_challenge_method"] = "S256",
        };
        foreach ((string? name, string? value) in changes)
        {
            query[name] = value.Length == 0 ? null : value;
        }

        return GetAsync(QueryHelpers.AddQueryString("/application/o/authorize/", query));
    }

    /// <summary>Signs a person in at the provider, without any application.</summary>
    public async Task SignInAsync(string username = "alice")
    {
        using HttpResponseMessage response = await GetAsync("/if/flow/default-authentication-flow/?person=" + username);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
    }

    /// <summary>Signs in and comes back with a code.</summary>
    public async Task<string> GetCodeAsync(string username = "alice", params (string Name, string Value)[] changes)
    {
        await SignInAsync(username);
        using HttpResponseMessage response = await AuthorizeAsync(changes);
        return CallbackParameter(response, "code") ?? throw new InvalidOperationException("No code: " + response.Headers.Location);
    }

    public async Task<JsonObject> SignInForTokensAsync(string username = "alice", params (string Name, string Value)[] changes)
    {
        using HttpResponseMessage response = await ExchangeAsync(await GetCodeAsync(username, changes));
        JsonObject tokens = await JsonAsync(response);
        Assert.True(response.IsSuccessStatusCode, tokens.ToJsonString());
        return tokens;
    }

    public Task<HttpResponseMessage> ExchangeAsync(string code, params (string Name, string Value)[] changes) => PostTokenAsync(
        [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", Callback), ("code_verifier", Verifier),
            ("client_id", provider.Options.ClientId), ("client_secret", provider.Options.ClientSecret), .. changes,
        ]);

    public Task<HttpResponseMessage> RefreshAsync(string refreshToken) => PostTokenAsync(
        [
            ("grant_type", "refresh_token"), ("refresh_token", refreshToken),
            ("client_id", provider.Options.ClientId), ("client_secret", provider.Options.ClientSecret),
        ]);

    /// <summary>Posts to the token endpoint; a later value replaces an earlier one, and an empty one takes it away.</summary>
    public async Task<HttpResponseMessage> PostTokenAsync((string Name, string Value)[] form, string? basic = null)
    {
        using HttpRequestMessage request = new HttpRequestMessage(HttpMethod.Post, "/application/o/token/");
        request.Content = Form([.. form.GroupBy(pair => pair.Name).Select(group => group.Last()).Where(pair => pair.Value.Length > 0)]);
        request.Headers.Host = Host;
        if (basic is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(basic)));
        }

        return await _server.SendAsync(request, Cancellation);
    }

    public async Task<HttpResponseMessage> UserInfoAsync(string accessToken)
    {
        using HttpRequestMessage request = new HttpRequestMessage(HttpMethod.Get, "/application/o/userinfo/");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return await _server.SendAsync(request, Cancellation);
    }

    public async Task<JsonObject> DocumentAsync(string path, string? host = null)
    {
        using HttpRequestMessage request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;
        using HttpResponseMessage response = await _server.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await JsonAsync(response);
    }

    public static async Task<JsonObject> JsonAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!;

    public static string? CallbackParameter(HttpResponseMessage response, string name)
    {
        Uri? location = response.Headers.Location;
        Assert.NotNull(location);
        Assert.StartsWith(Callback, location.OriginalString, StringComparison.Ordinal);
        return QueryHelpers.ParseQuery(location.Query).TryGetValue(name, out StringValues value) ? value.ToString() : null;
    }

    public static JsonObject Payload(string token) =>
        (JsonObject)JsonNode.Parse(WebEncoders.Base64UrlDecode(new JsonWebToken(token).EncodedPayload))!;

    public static JsonObject Payload(JsonObject tokens, string name = "id_token") => Payload(tokens[name]!.GetValue<string>());

    public void Dispose()
    {
        _browser.Dispose();
        _server.Dispose();
    }

    private static FormUrlEncodedContent Form((string Name, string Value)[] form) =>
        new(form.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
}
