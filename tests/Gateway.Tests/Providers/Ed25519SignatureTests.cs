using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Gateway.Tests.SignOut;
using Microsoft.IdentityModel.Tokens;
using NSec.Cryptography;

namespace Gateway.Tests.Providers;

/// <summary>Signatures with a key of the curve Ed25519 (`EdDSA`).</summary>
public sealed class Ed25519SignatureTests
{
    /// <summary>RFC 8032, section 7.1, test 3.</summary>
    private const string PublicKeyOfRfc = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    private const string MessageOfRfc = "af82";
    private const string SignatureOfRfc =
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

    [Fact]
    public async Task ID_tokens_refreshed_ID_tokens_and_logout_tokens_signed_with_EdDSA_are_accepted()
    {
        await using World world = await RecheckWorld.StartAsync(provider: options => options with { Signing = SigningMode.EdDSA });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["new"] });
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["new"], await alice.GroupsAsync());
        using HttpResponseMessage answer = await world.SendLogoutAsync(world.Provider.Sessions[^1]);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await alice.WhoAsync());
        Assert.Empty(world.Log.Of("RecheckPostponed"));
    }

    [Fact]
    public async Task The_name_of_RFC_9864_is_accepted_where_the_discovery_document_lists_it()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.EdDSA });
        world.Provider.TamperDiscovery = document => With(document, "id_token_signing_alg_values_supported", new JsonArray("Ed25519"));
        world.Provider.RewriteIdToken = token => new GoodToken(world, token).WithHeader(("alg", "\"Ed25519\""));
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());

        world.Provider.RewriteIdToken = null;
        using Visitor bob = world.NewVisitor();
        Page page = await bob.SignInAsync("bob");
        Assert.Contains("EdDSA, which the discovery document does not name", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("another key", "signature is wrong")]
    [InlineData("a changed claim", "signature is wrong")]
    [InlineData("a longer signature", "signature is wrong")]
    [InlineData("a signature of zeros", "signature is wrong")]
    [InlineData("an unknown kid", "a key that the provider does not publish")]
    [InlineData("the RSA key", "signature is wrong")]
    [InlineData("RS256 in the header", "a key that the provider does not publish")]
    public async Task A_token_that_the_published_key_did_not_sign_is_refused(string how, string says)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider =>
            provider with { Signing = SigningMode.EdDSA, FurtherSigning = [SigningMode.RS256] });
        string kidOfRsa = (string)(await KeysAsync(world))[1]!["kid"]!;
        using Key mallory = Key.Create(SignatureAlgorithm.Ed25519);
        world.Provider.RewriteIdToken = token => Forge(new GoodToken(world, token), how, mallory, kidOfRsa);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Theory]
    [InlineData("crv", "Ed448", "the curve Ed448")]
    [InlineData("crv", "X25519", "the curve X25519")]
    [InlineData("kty", "EC", "does not publish")]
    [InlineData("use", "enc", "does not publish")]
    [InlineData("x", "", "signature is wrong")]
    [InlineData("x", "AAAA", "signature is wrong")]
    [InlineData("x", "not base64url!", "signature is wrong")]
    [InlineData("x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "signature is wrong")]
    [InlineData("x", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "signature is wrong")]
    [InlineData("x", null, "signature is wrong")]
    public async Task A_published_key_of_another_kind_verifies_nothing(string member, string? value, string says)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.EdDSA });
        await using StubSite keys = await StubSite.StartAsync(async context =>
        {
            JsonObject key = With((await KeysAsync(world))[0]!.DeepClone().AsObject(), member, value);
            await context.Response.WriteAsync(new JsonObject { ["keys"] = new JsonArray(key) }.ToJsonString());
        });
        world.Provider.TamperDiscovery = document => With(document, "jwks_uri", keys.Address.AbsoluteUri);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Fact]
    public void The_library_computes_what_RFC_8032_says()
    {
        PublicKey key = PublicKey.Import(SignatureAlgorithm.Ed25519, Convert.FromHexString(PublicKeyOfRfc), KeyBlobFormat.RawPublicKey);
        byte[] signature = Convert.FromHexString(SignatureOfRfc);

        Assert.True(SignatureAlgorithm.Ed25519.Verify(key, Convert.FromHexString(MessageOfRfc), signature));
        Assert.False(SignatureAlgorithm.Ed25519.Verify(key, Convert.FromHexString("af83"), signature));
    }

    private static string Forge(GoodToken good, string how, Key mallory, string kidOfRsa)
    {
        byte[] Mallory(byte[] bytes) => SignatureAlgorithm.Ed25519.Sign(mallory, bytes);
        return how switch
        {
            "another key" => good.Forge(good.HeaderText, Mallory),
            "a changed claim" => $"{good.Parts[0]}.{Base64UrlEncoder.Encode(good.ClaimsText + " ")}.{good.Parts[2]}",
            "a longer signature" => $"{good.Text}AA",
            "a signature of zeros" => good.Forge(good.HeaderText, _ => new byte[64]),
            "an unknown kid" => good.Forge(good.HeaderWith(("kid", "\"mallory\"")), Mallory),
            "the RSA key" => good.WithHeader(("kid", $"\"{kidOfRsa}\""), ("alg", "\"RS256\"")),
            _ => good.WithHeader(("alg", "\"RS256\""), ("kid", null)),
        };
    }

    private static JsonObject With(JsonObject json, string member, JsonNode? value)
    {
        json.Remove(member);
        if (value is not null)
        {
            json[member] = value;
        }

        return json;
    }

    private static async Task<JsonArray> KeysAsync(World world)
    {
        using HttpClient http = new();
        return JsonNode.Parse(await http.GetStringAsync(new Uri(world.Provider.Address, "/application/o/paperless/jwks/"), World.Ct))!["keys"]!.AsArray();
    }
}
