using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

/// <summary>The development provider behaves over HTTP as authentik does.</summary>
public sealed partial class DevelopmentProviderTests
{
    [Fact]
    public async Task A_person_signs_in_at_the_development_provider_and_the_application_gets_the_persons_claims()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync("alice");

        Assert.Equal("Bearer", tokens["token_type"]!.GetValue<string>());
        Assert.Equal("openid profile email", tokens["scope"]!.GetValue<string>());
        Assert.Equal(300, tokens["expires_in"]!.GetValue<int>());
        Assert.Null(tokens["refresh_token"]);
        Assert.Equal("alice", Payload(tokens)["preferred_username"]!.GetValue<string>());
        using HttpResponseMessage userInfo = await client.UserInfoAsync(tokens["access_token"]!.GetValue<string>());
        Assert.Equal("alice", (await JsonAsync(userInfo))["preferred_username"]!.GetValue<string>());
    }

    private static Task<DevelopmentProvider> StartAsync(Func<DevelopmentProviderOptions, DevelopmentProviderOptions>? change = null)
    {
        DevelopmentProviderOptions options = new DevelopmentProviderOptions { RedirectUris = [Callback] };
        return DevelopmentProvider.StartAsync(change?.Invoke(options) ?? options, TestContext.Current.CancellationToken);
    }

    private static async Task<JsonObject> AssertTokenErrorAsync(string error, HttpResponseMessage response)
    {
        JsonObject body = await JsonAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(error, Text(body, "error"));
        Assert.Empty(response.Headers.WwwAuthenticate);
        return body;
    }

    private static async Task AssertGoodOrInvalidClientAsync(bool isGood, HttpResponseMessage response)
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

    private static async Task AssertErrorPageAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("Bad request", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    // What an application does with an ID token: the algorithm, key, issuer and audience that it expects, and no other.
    private static async Task<TokenValidationResult> ValidateAsync(
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

    private static JsonWebToken Header(JsonObject tokens) => new(Text(tokens, "id_token"));

    private static string Text(JsonObject json, string member) => json[member]!.GetValue<string>();

    private static string[] Members(JsonObject json) => [.. json.Select(member => member.Key)];

    private sealed class Clock : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan time) => _now += time;
    }
}
