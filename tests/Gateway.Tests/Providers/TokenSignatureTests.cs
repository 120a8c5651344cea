using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Providers;

/// <summary>Which signatures of tokens are accepted.</summary>
public sealed class TokenSignatureTests
{
    private const string KeySet = "/application/o/paperless/jwks/";

    [Fact]
    public async Task ID_tokens_signed_with_ES256_are_accepted()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.ES256 });
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_issuer_that_ends_in_a_slash_or_has_no_path_is_accepted(bool global)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { GlobalIssuer = global });
        using Visitor visitor = await world.SignedInAsync("alice");

        string issuer = (string)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["issuer"]!;
        Assert.Equal(world.Provider.Address.AbsoluteUri + (global ? "" : "application/o/paperless/"), issuer);
    }

    [Fact]
    public async Task Without_a_signing_key_ID_tokens_signed_with_the_client_secret_are_accepted()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.HS256 });
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task ID_tokens_signed_with_the_client_secret_are_accepted_beside_published_keys_if_the_discovery_document_lists_HS256()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider =>
            provider with { Signing = SigningMode.HS256, FurtherSigning = [SigningMode.RS256] });
        using (Visitor visitor = await world.SignedInAsync("alice"))
        {
            Assert.Equal("alice", await visitor.WhoAsync());
        }

        // A token that names a published key is not signed with the secret.
        string keyId = (string)(await KeysAsync(world))[0]!["kid"]!;
        world.Provider.RewriteIdToken = token => new GoodToken(world, token).WithHeader(("kid", $"\"{keyId}\""));
        using Visitor refused = world.NewVisitor();
        Page page = await refused.SignInAsync("alice");
        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("names a key of another algorithm", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ID_tokens_signed_with_the_client_secret_are_refused_if_the_discovery_document_does_not_list_HS256()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider =>
            provider with { Signing = SigningMode.HS256, FurtherSigning = [SigningMode.RS256] });
        world.Provider.TamperDiscovery = document =>
        {
            document["id_token_signing_alg_values_supported"] = new JsonArray("RS256");
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("HS256, which the discovery document does not name", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_signed_with_the_client_secret_are_accepted_beside_published_keys_if_the_registration_of_the_client_is_set()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Provider = provider => provider with
            {
                Signing = SigningMode.HS256,
                FurtherSigning = [SigningMode.RS256],
                OfflineAccess = true,
                SignedUserInfo = true,
            };
            options.Settings["GATEWAY_ID_TOKEN_ALGORITHMS"] = "HS256";
        });
        world.Provider.TamperDiscovery = document =>
        {
            document["id_token_signing_alg_values_supported"] = new JsonArray("RS256");
            return document;
        };
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.Log.Of("RecheckPostponed"));
        using HttpResponseMessage logout = await world.SendLogoutAsync(world.Provider.Sessions[^1]);
        Assert.Equal(HttpStatusCode.OK, logout.StatusCode);
        Assert.Null(await alice.WhoAsync());
    }

    /// <summary>A token of an algorithm that is not set is refused, although the discovery document lists it: by mistake or by an attack.</summary>
    [Theory]
    [InlineData("RS256", nameof(SigningMode.HS256))]
    [InlineData("HS256", nameof(SigningMode.RS256))]
    [InlineData("ES256,EdDSA", nameof(SigningMode.RS256))]
    public async Task Only_the_algorithms_for_which_the_client_is_registered_are_accepted_if_they_are_set(string set, string signing)
    {
        SigningMode mode = Enum.Parse<SigningMode>(signing);
        await using World world = await World.StartAsync(options =>
        {
            options.Provider = provider => provider with { Signing = mode, FurtherSigning = [SigningMode.RS256, SigningMode.ES256] };
            options.Settings["GATEWAY_ID_TOKEN_ALGORITHMS"] = set;
        });
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains($"signed with {signing}, which GATEWAY_ID_TOKEN_ALGORITHMS does not name", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(SigningMode.RS256))]
    [InlineData(nameof(SigningMode.ES256))]
    public async Task An_ID_token_without_a_key_id_is_accepted_if_one_of_several_published_keys_signed_it(string signing)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider =>
            provider with { Signing = Enum.Parse<SigningMode>(signing), FurtherSigning = [SigningMode.RS256, SigningMode.ES256] });
        await using World other = await World.StartAsync(options => options.StartGateway = false);
        await using StubSite keys = await StubSite.StartAsync(async context =>
        {
            IEnumerable<JsonNode?> all = (await KeysAsync(other)).Concat(await KeysAsync(world));
            await context.Response.WriteAsync(new JsonObject { ["keys"] = new JsonArray([.. all.Select(key => key!.DeepClone())]) }.ToJsonString());
        });
        world.Provider.TamperDiscovery = document =>
        {
            document["jwks_uri"] = keys.Address.AbsoluteUri;
            return document;
        };
        world.Provider.RewriteIdToken = token => new GoodToken(world, token).WithHeader(("kid", null));

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_published_key_without_an_id_may_be_the_key_that_the_ID_token_names()
    {
        await using World world = await World.StartAsync();
        await using StubSite keys = await StubSite.StartAsync(async context =>
        {
            JsonNode key = (await KeysAsync(world))[0]!.DeepClone();
            key.AsObject().Remove("kid");
            await context.Response.WriteAsync(new JsonObject { ["keys"] = new JsonArray(key) }.ToJsonString());
        });
        world.Provider.TamperDiscovery = document =>
        {
            document["jwks_uri"] = keys.Address.AbsoluteUri;
            return document;
        };

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_encrypted_token_gives_a_page_that_names_the_setting_in_authentik(bool idToken)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { SignedUserInfo = true });
        world.Provider.RewriteIdToken = token => idToken ? token + ".AAAA.AAAA" : token;
        world.Provider.RewriteUserInfo = token => idToken ? token : token + ".AAAA.AAAA";
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(idToken ? "the ID token is encrypted" : "the userinfo is encrypted", page.Text, StringComparison.Ordinal);
        Assert.Contains("&quot;Encryption Key&quot;", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(SigningMode.None), "not signed")]
    [InlineData(nameof(SigningMode.WrongKey), "signature is wrong")]
    public async Task A_token_not_signed_by_the_published_key_is_refused(string attack, string says)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = Enum.Parse<SigningMode>(attack) });
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
    }

    [Fact]
    public async Task A_provider_that_changes_its_signing_algorithm_is_accepted_immediately()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.HS256 });
        foreach (SigningMode mode in (SigningMode[])[SigningMode.HS256, SigningMode.RS256, SigningMode.ES256, SigningMode.HS256])
        {
            world.Provider.Options = world.Provider.Options with { Signing = mode };
            using Visitor visitor = await world.SignedInAsync("alice");
            Assert.Equal("alice", await visitor.WhoAsync());
            world.Clock.Advance(TimeSpan.FromSeconds(61));
        }
    }

    private static async Task<JsonArray> KeysAsync(World world)
    {
        using HttpClient http = new();
        return JsonNode.Parse(await http.GetStringAsync(new Uri(world.Provider.Address, KeySet), World.Ct))!["keys"]!.AsArray();
    }
}
