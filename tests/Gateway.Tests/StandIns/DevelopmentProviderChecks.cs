using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

/// <summary>What the tests of the development provider share: its paths, its start, and the checks of its answers.</summary>
internal static class DevelopmentProviderChecks
{
    public const string SignInPath = "/if/flow/default-authentication-flow/";
    public const string DiscoveryPath = "/application/o/paperless/.well-known/openid-configuration";
    public const string KeySetPath = "/application/o/paperless/jwks/";
    public const string EndSessionPath = "/application/o/paperless/end-session/";
    public const string AfterLogout = "http://127.0.0.1:9/accounts/login/?loggedout=1";

    public static DevelopmentProviderOptions WithLogoutUri(DevelopmentProviderOptions options) =>
        options with { PostLogoutRedirectUris = ["http://127.0.0.1:9/", AfterLogout] };

    public static DevelopmentProviderOptions WithOfflineAccess(DevelopmentProviderOptions options) => options with { OfflineAccess = true };

    public static Task<DevelopmentProvider> StartAsync(Func<DevelopmentProviderOptions, DevelopmentProviderOptions>? change = null)
    {
        DevelopmentProviderOptions options = new DevelopmentProviderOptions { RedirectUris = [Callback] };
        return DevelopmentProvider.StartAsync(change?.Invoke(options) ?? options, TestContext.Current.CancellationToken);
    }

    public static async Task<JsonObject> AssertTokenErrorAsync(string error, HttpResponseMessage response)
    {
        JsonObject body = await JsonAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(error, Text(body, "error"));
        Assert.Empty(response.Headers.WwwAuthenticate);
        return body;
    }

    public static async Task AssertGoodOrInvalidClientAsync(bool isGood, HttpResponseMessage response)
    {
        if (isGood)
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        else
        {
            await AssertTokenErrorAsync("invalid_client", response);
        }
    }

    public static async Task AssertErrorPageAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("Bad request", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    // What an application does with an ID token: the algorithm, key, issuer and audience that it expects, and no other.
    public static async Task<TokenValidationResult> ValidateAsync(
        DevelopmentProviderClient client, DevelopmentProvider provider, JsonObject tokens)
    {
        IList<SecurityKey> keys = new JsonWebKeySet((await client.DocumentAsync(KeySetPath)).ToJsonString()).GetSigningKeys();
        if (keys.Count == 0)
        {
            keys.Add(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(provider.Options.ClientSecret)));
        }

        return await new JsonWebTokenHandler().ValidateTokenAsync(Text(tokens, "id_token"), new TokenValidationParameters
        {
            ValidIssuer = provider.Issuer.AbsoluteUri,
            ValidAudience = provider.Options.ClientId,
            IssuerSigningKeys = keys,
        });
    }

    public static JsonWebToken Header(JsonObject tokens) => new(Text(tokens, "id_token"));

    public static string Text(JsonObject json, string member) => json[member]!.GetValue<string>();

    public static string[] Members(JsonObject json) => [.. json.Select(member => member.Key)];

    public static async Task<HttpResponseMessage> ExchangeByBasicAsync(DevelopmentProviderClient client, DevelopmentProvider provider, string secret) =>
        await client.PostTokenAsync(
        [
            ("grant_type", "authorization_code"), ("code", await client.GetCodeAsync()), ("redirect_uri", Callback),
            ("code_verifier", Verifier),
        ],
        basic: $"{provider.Options.ClientId}:{secret}");

    public static KeyValuePair<string, JsonNode?> Copy(KeyValuePair<string, JsonNode?> claim) =>
        KeyValuePair.Create(claim.Key, claim.Value?.DeepClone());

    public static string Next(HttpResponseMessage toSignIn) =>
        QueryHelpers.ParseQuery(new Uri(toSignIn.RequestMessage!.RequestUri!, toSignIn.Headers.Location!).Query)["next"].ToString();

    public sealed class Clock : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan time) => _now += time;
    }
}
