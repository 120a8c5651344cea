using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Providers;

/// <summary>Tokens that choose the algorithm or kind of their own key (RFC 8725, section 2.1).</summary>
public sealed class ForgedTokenTests
{
    [Theory]
    [InlineData("none", "", false)]
    [InlineData("none", "", true)]
    [InlineData("NONE", "", true)]
    [InlineData("", "", true)]
    [InlineData("RS256", "", true)]
    [InlineData("HS256", "client secret", false)]
    [InlineData("HS256", "modulus", true)]
    [InlineData("HS256", "PEM", true)]
    [InlineData("HS512", "client secret", true)]
    [InlineData("RS256", "client secret", true)]
    public async Task Tokens_of_a_provider_with_an_RSA_key_are_accepted_with_that_key_only(string algorithm, string secret, bool announced)
    {
        await using World world = await World.StartAsync();

        Page page = await SignInWithAsync(world, algorithm, announced, () => KeyAsync(world, secret));

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("ID token", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("only-thirty-one-letters-in-here", HttpStatusCode.BadGateway)]
    [InlineData("but-there-are-thirty-two-in-here", HttpStatusCode.OK)]
    public async Task A_token_signed_with_a_guessable_client_secret_is_refused(string secret, HttpStatusCode expected)
    {
        await using World world = await World.StartAsync(
            options => options.Provider = provider => provider with { Signing = SigningMode.HS256, ClientSecret = secret });

        Page page = await SignInWithAsync(world, "HS256", announced: true, () => Task.FromResult(Encoding.UTF8.GetBytes(secret)));

        Assert.Equal(expected, page.Status);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("a.b.c")]
    [InlineData("e30.e30.e30")]
    [InlineData("..")]
    [InlineData("a.b.c.d.e")]
    public async Task A_malformed_ID_token_is_refused(string idToken)
    {
        await using World world = await World.StartAsync();
        await using StubSite tokens = await TokensAsync(world, () => Task.FromResult(idToken));
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Null(await visitor.WhoAsync());
        Assert.Empty(world.Log.Of("SignInFailed"));
    }

    [Theory]
    [InlineData("id_token", "5")]
    [InlineData("id_token", "null")]
    [InlineData("id_token", "{}")]
    [InlineData("id_token", "[\"a\"]")]
    [InlineData("id_token", "true")]
    [InlineData("id_token", "\"\\ud800\"")]
    [InlineData("\\ud800", "1")]
    [InlineData("error", "null")]
    [InlineData("error", "{\"a\":1}")]
    [InlineData("error", "\"\\ud800\"")]
    [InlineData("error_description", "\"\\ud800\"")]
    public async Task A_token_response_with_wrong_types_gives_an_error_page_and_no_internal_error(string member, string json)
    {
        await using World world = await World.StartAsync();
        await using StubSite tokens = await StubSite.StartAsync(context =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync($"{{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"{member}\":{json}}}");
        });
        world.Provider.TamperDiscovery = document =>
        {
            document["token_endpoint"] = tokens.Address.AbsoluteUri;
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.True(page.Status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable, $"{(int)page.Status}");
        Assert.Null(await visitor.WhoAsync());
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Theory]
    [InlineData("access_token", "\"a\\r\\nX-Other: b\"")]
    [InlineData("access_token", "\"\u00e4\"")]
    [InlineData("access_token", "5")]
    [InlineData("access_token", "{}")]
    [InlineData("access_token", "[]")]
    [InlineData("access_token", "null")]
    [InlineData("expires_in", "1e400")]
    [InlineData("expires_in", "\"soon\"")]
    [InlineData("expires_in", "{}")]
    [InlineData("expires_in", "2147483647")]
    [InlineData("refresh_token", "5")]
    [InlineData("refresh_token", "{}")]
    [InlineData("token_type", "null")]
    [InlineData("scope", "[]")]
    public async Task Odd_members_beside_a_valid_ID_token_cause_no_internal_error(string member, string json)
    {
        await using World world = await World.StartAsync();
        RoundTrip? tab = null;
        await using StubSite tokens = await StubSite.StartAsync(context =>
        {
            JsonObject claims = Claims(world, tab!);
            string header = world.Provider.CreateLogoutToken(world.Provider.Sessions[0], type: "JWT").Split('.')[0];
            string idToken = world.Provider.Sign(Base64UrlEncoder.DecodeBytes(header), Encoding.UTF8.GetBytes(claims.ToJsonString()));
            JsonObject answer = new() { ["access_token"] = "a", ["token_type"] = "Bearer", ["id_token"] = idToken };
            answer.Remove(member);
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync($"{{\"{member}\":{json},{answer.ToJsonString()[1..]}");
        });
        world.Provider.TamperDiscovery = document =>
        {
            document["token_endpoint"] = tokens.Address.AbsoluteUri;
            return document;
        };
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        tab = await RoundTrip.BeginAsync(visitor);

        Page page = await tab.CompleteAsync();

        Assert.True(page.Status is HttpStatusCode.OK or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable, $"{(int)page.Status}");
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    private static async Task<Page> SignInWithAsync(World world, string algorithm, bool announced, Func<Task<byte[]>> key)
    {
        RoundTrip? tab = null;
        await using StubSite tokens = await TokensAsync(world, async () => Sign(algorithm, await key(), Claims(world, tab!)), announced ? algorithm : null);
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        tab = await RoundTrip.BeginAsync(visitor);
        Page page = await tab.CompleteAsync();
        Assert.Equal(page.Status == HttpStatusCode.OK ? "mallory" : null, await visitor.WhoAsync());
        return page;
    }

    /// <summary>Stands in the place of the token endpoint; userinfo is left out.</summary>
    private static async Task<StubSite> TokensAsync(World world, Func<Task<string>> idToken, string? algorithm = null)
    {
        StubSite tokens = await StubSite.StartAsync(async context =>
            await context.Response.WriteAsJsonAsync(new { access_token = "access", token_type = "Bearer", id_token = await idToken() }));
        world.Provider.TamperDiscovery = document =>
        {
            document["token_endpoint"] = tokens.Address.AbsoluteUri;
            document.Remove("userinfo_endpoint");
            if (algorithm is not null)
            {
                document["id_token_signing_alg_values_supported"]!.AsArray().Add((JsonNode)algorithm);
            }

            return document;
        };
        return tokens;
    }

    private static JsonObject Claims(World world, RoundTrip tab)
    {
        long now = world.Clock.GetUtcNow().ToUnixTimeSeconds();
        return new JsonObject
        {
            ["iss"] = world.Provider.Issuer.AbsoluteUri,
            ["sub"] = "attacker",
            ["aud"] = world.Provider.Options.ClientId,
            ["exp"] = now + 300,
            ["iat"] = now,
            ["nonce"] = tab.Query["nonce"].ToString(),
            ["preferred_username"] = "mallory",
        };
    }

    /// <summary>Made by hand, since a library would refuse to.</summary>
    private static string Sign(string algorithm, byte[] key, JsonObject claims)
    {
        string text = Base64UrlEncoder.Encode($$"""{"typ":"JWT","alg":"{{algorithm}}"}""") + "." + Base64UrlEncoder.Encode(claims.ToJsonString());
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        byte[] signature = algorithm == "HS512" ? HMACSHA512.HashData(key, bytes) : HMACSHA256.HashData(key, bytes);
        if (key.Length == 0)
        {
            signature = [];
        }

        return text + "." + Base64UrlEncoder.Encode(signature);
    }

    private static async Task<byte[]> KeyAsync(World world, string secret)
    {
        using HttpClient http = new();
        JsonNode published = JsonNode.Parse(await http.GetStringAsync(new Uri(world.Provider.Address, "/application/o/paperless/jwks/"), World
            .Ct))!["keys"]![0]!;
        byte[] modulus = Base64UrlEncoder.DecodeBytes((string)published["n"]!);
        using RSA rsa = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = Base64UrlEncoder.DecodeBytes((string)published["e"]!) });
        return secret switch
        {
            "" => [],
            "modulus" => modulus,
            "PEM" => Encoding.ASCII.GetBytes(rsa.ExportSubjectPublicKeyInfoPem()),
            _ => Encoding.UTF8.GetBytes(world.Provider.Options.ClientSecret),
        };
    }
}
