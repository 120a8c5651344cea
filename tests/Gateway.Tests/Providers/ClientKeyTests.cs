using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Providers;

/// <summary>Client authentication with a private key (`private_key_jwt`) in place of a client secret.</summary>
public sealed class ClientKeyTests
{
    private const string TokenPath = "/application/o/token/";

    private const string PushPath = "/application/o/par/";

    [Theory]
    [InlineData("RSA PKCS #8", "RS256")]
    [InlineData("RSA PKCS #1", "PS256")]
    [InlineData("EC PKCS #8", "ES256")]
    [InlineData("EC SEC 1", "ES256")]
    public async Task A_client_with_a_key_pushes_redeems_and_refreshes_with_assertions_and_sends_no_secret(string format, string algorithm)
    {
        using ClientKeyPair key = format.StartsWith("RSA", StringComparison.Ordinal) ? ClientKeyPair.CreateRsa() : ClientKeyPair.CreateEc();
        await using World world = await StartAsync(key, ToPem(key, format), provider => provider with
        {
            PushedRequests = PushedRequests.Required,
            AssertionAlgorithm = key.Key is RSA ? algorithm : "RS256",
            OfflineAccess = true,
        });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);

        ProviderRequest[] requests = Authenticated(world);
        Assert.Equal([PushPath, TokenPath, TokenPath], requests.Select(request => request.Path));
        Assert.Equal("refresh_token", requests[^1].Form["grant_type"]);
        Assert.Empty(world.Log.Of("RecheckPostponed"));
        Assert.All(requests, request => Assert.False(request.Form.ContainsKey("client_secret") || request.Authorization is not null));
        JsonElement[] claims = [.. requests.Select(request => Part(request, 1))];
        Assert.All(requests, request => Assert.Equal(algorithm, Part(request, 0).GetProperty("alg").GetString()));
        Assert.All(claims, one => Assert.Equal(world.Provider.Issuer.AbsoluteUri, one.GetProperty("aud").GetString()));
        Assert.All(claims, one => Assert.Equal(60, one.GetProperty("exp").GetInt64() - one.GetProperty("iat").GetInt64()));
        Assert.Equal(3, claims.Select(one => one.GetProperty("jti").GetString()).Distinct().Count());

        // Neither the key nor an assertion is logged.
        string middle = ToPem(key, format).Split('\n')[1];
        Assert.DoesNotContain(middle, world.Log.Text, StringComparison.Ordinal);
        Assert.All(requests, request => Assert.DoesNotContain(request.Form["client_assertion"], world.Log.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_provider_that_wants_its_endpoint_as_audience_gets_it_at_once_and_from_then_on()
    {
        using ClientKeyPair key = ClientKeyPair.CreateEc();
        await using World world = await StartAsync(key, key.PrivatePem, provider => provider with { AssertionAudience = AssertionAudience.Endpoint });

        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");

        string issuer = world.Provider.Issuer.AbsoluteUri;
        string endpoint = new Uri(world.Provider.Address, TokenPath).AbsoluteUri;
        Assert.Equal([issuer, endpoint, endpoint], Authenticated(world).Select(request => Part(request, 1).GetProperty("aud").GetString()));
        Assert.Equal("bob", await bob.WhoAsync());
    }

    [Theory]
    [InlineData(nameof(PushedRequests.None))]
    [InlineData(nameof(PushedRequests.Required))]
    public async Task A_key_that_the_provider_does_not_know_signs_nobody_in_and_the_page_says_so(string pushed)
    {
        using ClientKeyPair key = ClientKeyPair.CreateEc();
        using ClientKeyPair other = ClientKeyPair.CreateEc();
        await using World world = await StartAsync(
            other,
            key.PrivatePem,
            provider => provider with { PushedRequests = Enum.Parse<PushedRequests>(pushed) });
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("invalid_client", page.Text, StringComparison.Ordinal);
        Assert.Contains("GATEWAY_CLIENT_KEY", page.Text, StringComparison.Ordinal);
        Assert.Equal(2, Authenticated(world).Length);
        Assert.Null(await visitor.WhoAsync());
    }

    /// <summary>The development provider's client has this public key; the gateway has a file with the private key, and no secret.</summary>
    private static async Task<World> StartAsync(
        ClientKeyPair key,
        string pem,
        Func<DevelopmentProviderOptions, DevelopmentProviderOptions> configure)
    {
        World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = provider => configure(provider with { ClientPublicKey = key.PublicPem });
        });
        Directory.CreateDirectory(world.DataDirectory);
        string file = Path.Combine(world.DataDirectory, "client-key.pem");
        await File.WriteAllTextAsync(file, pem, World.Ct);
        JsonObject app = ProvidersSetting.Of(world.Provider);
        app.Remove("secret");
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
        world.Options.Settings["GATEWAY_CLIENT_KEY_FILE"] = file;
        world.StartGateway();
        return world;
    }

    private static string ToPem(ClientKeyPair key, string format) => format switch
    {
        "RSA PKCS #1" => ((RSA)key.Key).ExportRSAPrivateKeyPem(),
        "EC SEC 1" => ((ECDsa)key.Key).ExportECPrivateKeyPem(),
        _ => key.PrivatePem,
    };

    private static ProviderRequest[] Authenticated(World world) =>
        [.. world.Provider.Received.Where(request => request.Form.ContainsKey("client_assertion"))];

    private static JsonElement Part(ProviderRequest request, int part) =>
        JsonElement.Parse(Base64UrlEncoder.DecodeBytes(request.Form["client_assertion"].Split('.')[part]));
}
