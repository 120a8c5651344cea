using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

public sealed class DevelopmentProviderClaimsTests
{
    [Fact]
    public async Task An_ID_token_has_authentiks_claims_and_the_mapped_claims()
    {
        Clock clock = new Clock();
        await using DevelopmentProvider provider = await StartAsync(options => options with { TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync("alice");

        JsonObject claims = Payload(tokens);
        Assert.Equal("JWT", Header(tokens).Typ);
        Assert.Equal(
            [
                "acr", "amr", "aud", "auth_time", "email", "email_verified", "exp", "given_name", "groups", "iat", "iss", "jti", "name",
                "nickname", "nonce", "preferred_username", "sid", "sub",
            ],
            Members(claims).Order(StringComparer.Ordinal));
        Assert.Equal(provider.Issuer.AbsoluteUri, Text(claims, "iss"));
        Assert.Equal("paperless", Text(claims, "aud"));
        Assert.Equal("a-nonce", Text(claims, "nonce"));
        Assert.Matches("^[0-9a-f]{64}$", Text(claims, "sub"));
        Assert.Matches("^[0-9a-f]{64}$", Text(claims, "sid"));
        Assert.Equal(Assert.Single(provider.Sessions).Sid, Text(claims, "sid"));
        Assert.Equal("goauthentik.io/providers/oauth2/default", Text(claims, "acr"));
        Assert.Equal(clock.GetUtcNow().ToUnixTimeSeconds(), claims["iat"]!.GetValue<long>());
        Assert.Equal(clock.GetUtcNow().ToUnixTimeSeconds(), claims["auth_time"]!.GetValue<long>());
        Assert.Equal(clock.GetUtcNow().AddMinutes(5).ToUnixTimeSeconds(), claims["exp"]!.GetValue<long>());
        Assert.False(claims["email_verified"]!.GetValue<bool>());
        Assert.Equal("""["paperless-users","family"]""", claims["groups"]!.ToJsonString());
    }

    [Fact]
    public async Task A_persons_subject_is_stable_and_unique()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        string alice = Text(Payload(await client.SignInForTokensAsync("alice")), "sub");

        Assert.Equal(alice, Text(Payload(await client.SignInForTokensAsync("alice")), "sub"));
        Assert.NotEqual(alice, Text(Payload(await client.SignInForTokensAsync("bob")), "sub"));
    }

    [Fact]
    public async Task The_issuer_of_a_token_follows_the_host_of_the_token_request()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject viaAddress = await client.SignInForTokensAsync();

        client.Host = "internal:9000";
        JsonObject viaAnotherName = await client.SignInForTokensAsync();

        Assert.Equal(provider.Issuer.AbsoluteUri, Text(Payload(viaAddress), "iss"));
        Assert.Equal("http://internal:9000/application/o/paperless/", Text(Payload(viaAnotherName), "iss"));
    }

    [Theory]
    [InlineData("openid", "sub")]
    [InlineData("openid email", "email,email_verified,sub")]
    [InlineData("openid profile", "given_name,groups,name,nickname,preferred_username,sub")]
    public async Task Userinfo_contains_the_claims_of_the_granted_scopes(string scope, string members)
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject tokens = await client.SignInForTokensAsync("alice", ("scope", scope));

        using HttpResponseMessage response = await client.UserInfoAsync(Text(tokens, "access_token"));

        Assert.Equal(members, string.Join(',', Members(await JsonAsync(response)).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task Mapped_claims_can_be_limited_to_userinfo()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { IncludeClaimsInIdToken = false });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync();
        using HttpResponseMessage userInfo = await client.UserInfoAsync(Text(tokens, "access_token"));

        Assert.DoesNotContain("groups", Members(Payload(tokens)));
        Assert.DoesNotContain("preferred_username", Members(Payload(tokens)));
        Assert.Contains("groups", Members(await JsonAsync(userInfo)));
    }

    [Fact]
    public async Task The_sid_claim_can_be_turned_off()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { SidClaim = false });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        Assert.DoesNotContain("sid", Members(Payload(await client.SignInForTokensAsync())));
        Assert.DoesNotContain("sid", Members(Payload(provider.CreateLogoutToken(Assert.Single(provider.Sessions)))));
    }

    [Fact]
    public async Task An_access_token_is_a_JWT_with_the_same_key_and_audience_as_the_ID_token()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync();

        JsonObject claims = Payload(tokens, "access_token");
        Assert.Equal("paperless", Text(claims, "aud"));
        Assert.Equal("paperless", Text(claims, "azp"));
        Assert.Equal("openid profile email", Text(claims, "scope"));
        Assert.True((await ValidateAsync(client, provider, new JsonObject { ["id_token"] = Text(tokens, "access_token") })).IsValid);
    }

    [Fact]
    public async Task People_can_have_custom_claims()
    {
        Person carol = Person.Named("carol", "Carol Clerk", "a,b", "ß") with
        {
            ExtraClaims = new JsonObject { ["realm_access"] = new JsonObject { ["roles"] = new JsonArray("clerk") } },
        };
        await using DevelopmentProvider provider = await StartAsync(options => options with { People = [carol] });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject claims = Payload(await client.SignInForTokensAsync("carol"));

        Assert.Equal("clerk", claims["realm_access"]!["roles"]![0]!.GetValue<string>());
        Assert.Equal(["a,b", "ß"], claims["groups"]!.AsArray().Select(group => group!.GetValue<string>()));
    }

    [Fact]
    public async Task A_test_can_change_claims_before_they_are_signed_or_sent()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        provider.TamperIdToken = claims => new JsonObject(claims.Where(claim => claim.Key != "nonce").Select(Copy)) { ["iss"] = "https://evil/" };
        provider.TamperAccessToken = claims => new JsonObject(claims.Select(Copy)) { ["aud"] = "another" };
        provider.TamperUserInfo = _ => new JsonObject { ["sub"] = "somebody-else" };

        JsonObject tokens = await client.SignInForTokensAsync();
        using HttpResponseMessage userInfo = await client.UserInfoAsync(Text(tokens, "access_token"));

        Assert.Equal("https://evil/", Text(Payload(tokens), "iss"));
        Assert.False(Payload(tokens).ContainsKey("nonce"));
        Assert.Equal("another", Text(Payload(tokens, "access_token"), "aud"));
        Assert.Equal("""{"sub":"somebody-else"}""", (await JsonAsync(userInfo)).ToJsonString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b.c")]
    public async Task Userinfo_refuses_a_token_that_is_no_access_token(string token)
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage response = token.Length == 0 ? await client.GetAsync("/application/o/userinfo/") : await client.UserInfoAsync(token);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Userinfo_refuses_an_ID_token_and_an_expired_access_token()
    {
        Clock clock = new Clock();
        await using DevelopmentProvider provider = await StartAsync(options => options with { TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject tokens = await client.SignInForTokensAsync();

        using HttpResponseMessage wrong = await client.UserInfoAsync(Text(tokens, "id_token"));
        clock.Advance(TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(1));
        using HttpResponseMessage expired = await client.UserInfoAsync(Text(tokens, "access_token"));

        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, expired.StatusCode);
    }
}
