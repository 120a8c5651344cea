using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Microsoft.IdentityModel.Tokens;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;

namespace Gateway.Tests.StandIns;

public sealed class DevelopmentProviderDiscoveryTests
{
    [Fact]
    public async Task The_discovery_document_equals_authentiks()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { OfflineAccess = true });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject document = await client.DocumentAsync(DiscoveryPath, host: "authentik");

        JsonNode? expected = JsonNode.Parse("""
            {"issuer":"http://authentik/application/o/paperless/",
             "authorization_endpoint":"http://authentik/application/o/authorize/",
             "token_endpoint":"http://authentik/application/o/token/",
             "userinfo_endpoint":"http://authentik/application/o/userinfo/",
             "end_session_endpoint":"http://authentik/application/o/paperless/end-session/",
             "introspection_endpoint":"http://authentik/application/o/introspect/",
             "revocation_endpoint":"http://authentik/application/o/revoke/",
             "device_authorization_endpoint":"http://authentik/application/o/device/",
             "jwks_uri":"http://authentik/application/o/paperless/jwks/",
             "backchannel_logout_supported":true,"backchannel_logout_session_supported":true,
             "frontchannel_logout_supported":true,"frontchannel_logout_session_supported":true,
             "response_types_supported":["code","id_token","id_token token","code token","code id_token","code id_token token"],
             "response_modes_supported":["query","fragment","form_post"],
             "grant_types_supported":
               ["authorization_code","refresh_token","implicit","client_credentials","password","urn:ietf:params:oauth:grant-type:device_code"],
             "id_token_signing_alg_values_supported":["RS256"],"subject_types_supported":["public"],
             "token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"],
             "scopes_supported":["openid","email","profile","offline_access"],
             "claims_supported":["sub","iss","aud","exp","iat","auth_time","acr","amr","nonce","email","email_verified","name","preferred_username","groups"],
             "code_challenge_methods_supported":["plain","S256"]}
            """);
        Assert.Equal(expected!.ToJsonString(), document.ToJsonString());
    }

    [Fact]
    public async Task The_issuer_follows_the_host_of_the_request()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        Assert.EndsWith("/application/o/paperless/", provider.Issuer.AbsoluteUri, StringComparison.Ordinal);
        Assert.Equal(provider.Issuer.AbsoluteUri, Text(await client.DocumentAsync(DiscoveryPath), "issuer"));
        Assert.Equal(
            "http://internal:9000/application/o/paperless/", Text(await client.DocumentAsync(DiscoveryPath, "internal:9000"), "issuer"));
        Assert.Equal(new Uri(provider.Address, DiscoveryPath), provider.DiscoveryUrl);
    }

    [Fact]
    public async Task A_global_issuer_has_no_path()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { GlobalIssuer = true });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        Assert.Equal(provider.Address.AbsoluteUri, Text(await client.DocumentAsync(DiscoveryPath), "issuer"));
    }

    [Fact]
    public async Task The_slug_is_part_of_the_provider_addresses()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { Slug = "documents" });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject document = await client.DocumentAsync("/application/o/documents/.well-known/openid-configuration");

        Assert.EndsWith("/application/o/documents/jwks/", Text(document, "jwks_uri"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offline_access_is_announced_only_if_mapped()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject document = await client.DocumentAsync(DiscoveryPath);

        Assert.Equal("""["openid","email","profile"]""", document["scopes_supported"]!.ToJsonString());
    }

    [Fact]
    public async Task A_test_can_change_the_discovery_document()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        provider.TamperDiscovery = document =>
        {
            document["issuer"] = "https://elsewhere/";
            document.Remove("end_session_endpoint");
            return document;
        };

        JsonObject tampered = await client.DocumentAsync(DiscoveryPath);

        Assert.Equal("https://elsewhere/", Text(tampered, "issuer"));
        Assert.False(tampered.ContainsKey("end_session_endpoint"));
    }

    [Theory]
    [InlineData(nameof(SigningMode.RS256), "RS256", "RSA")]
    [InlineData(nameof(SigningMode.ES256), "ES256", "EC")]
    public async Task The_key_set_contains_the_signing_key(string mode, string algorithm, string type)
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { Signing = Enum.Parse<SigningMode>(mode) });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject document = await client.DocumentAsync(DiscoveryPath);
        JsonObject keys = await client.DocumentAsync(KeySetPath);

        Assert.Equal($"""["{algorithm}"]""", document["id_token_signing_alg_values_supported"]!.ToJsonString());
        JsonObject key = Assert.Single(keys["keys"]!.AsArray())!.AsObject();
        Assert.Equal(type, Text(key, "kty"));
        Assert.Equal(algorithm, Text(key, "alg"));
        Assert.True((await ValidateAsync(client, provider, await client.SignInForTokensAsync())).IsValid);
    }

    [Fact]
    public async Task Without_a_signing_key_the_key_set_is_empty_and_tokens_are_signed_with_the_client_secret()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { Signing = SigningMode.HS256 });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject document = await client.DocumentAsync(DiscoveryPath);
        JsonObject keys = await client.DocumentAsync(KeySetPath);

        Assert.Equal("""["HS256"]""", document["id_token_signing_alg_values_supported"]!.ToJsonString());
        Assert.Equal("{}", keys.ToJsonString());
        Assert.True((await ValidateAsync(client, provider, await client.SignInForTokensAsync())).IsValid);
    }

    [Fact]
    public async Task A_rotated_signing_key_replaces_the_old_one()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject before = await client.SignInForTokensAsync();
        string oldKey = (await client.DocumentAsync(KeySetPath))["keys"]![0]!["kid"]!.GetValue<string>();

        provider.RotateSigningKey();

        string newKey = Assert.Single((await client.DocumentAsync(KeySetPath))["keys"]!.AsArray())!["kid"]!.GetValue<string>();
        Assert.NotEqual(oldKey, newKey);
        Assert.False((await ValidateAsync(client, provider, before)).IsValid);
        Assert.True((await ValidateAsync(client, provider, await client.SignInForTokensAsync())).IsValid);
    }

    [Fact]
    public async Task A_test_can_sign_with_a_wrong_key_under_the_right_key_id()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { Signing = SigningMode.WrongKey });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync();

        string published = (await client.DocumentAsync(KeySetPath))["keys"]![0]!["kid"]!.GetValue<string>();
        Assert.Equal(published, Header(tokens).Kid);
        Assert.IsType<SecurityTokenInvalidSignatureException>((await ValidateAsync(client, provider, tokens)).Exception);
    }

    [Fact]
    public async Task A_test_can_issue_unsigned_tokens_with_alg_none()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { Signing = SigningMode.None });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync();

        Assert.Equal("none", Header(tokens).Alg);
        Assert.EndsWith(".", Text(tokens, "id_token"), StringComparison.Ordinal);
        Assert.Equal("""["RS256"]""", (await client.DocumentAsync(DiscoveryPath))["id_token_signing_alg_values_supported"]!.ToJsonString());
    }
}
