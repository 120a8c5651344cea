using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

public sealed class DevelopmentProviderTokenTests
{
    [Fact]
    public async Task A_code_works_once_and_a_second_use_revokes_the_tokens_of_the_first()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string code = await client.GetCodeAsync();

        using HttpResponseMessage first = await client.ExchangeAsync(code);
        string accessToken = Text(await JsonAsync(first), "access_token");
        using HttpResponseMessage good = await client.UserInfoAsync(accessToken);
        using HttpResponseMessage second = await client.ExchangeAsync(code);
        using HttpResponseMessage revoked = await client.UserInfoAsync(accessToken);

        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        await AssertTokenErrorAsync("invalid_grant", second);
        Assert.Equal(HttpStatusCode.Unauthorized, revoked.StatusCode);
    }

    [Fact]
    public async Task Of_two_concurrent_requests_with_one_code_one_gets_the_tokens()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string code = await client.GetCodeAsync();

        HttpResponseMessage[] responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.ExchangeAsync(code)));

        Assert.Single(responses, response => response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_code_is_valid_for_one_minute()
    {
        Clock clock = new Clock();
        await using DevelopmentProvider provider = await StartAsync(options => options with { TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string young = await client.GetCodeAsync();
        string old = await client.GetCodeAsync();

        clock.Advance(TimeSpan.FromSeconds(59));
        using HttpResponseMessage good = await client.ExchangeAsync(young);
        clock.Advance(TimeSpan.FromSeconds(2));
        using HttpResponseMessage expired = await client.ExchangeAsync(old);

        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        await AssertTokenErrorAsync("invalid_grant", expired);
    }

    [Theory]
    [InlineData("code_verifier", "another-verifier-of-forty-three-characters-or-more")]
    [InlineData("redirect_uri", "http://127.0.0.1:9/elsewhere")]
    [InlineData("code", "a-code-that-nobody-issued")]
    public async Task A_code_requires_its_PKCE_verifier_and_its_redirect_URI(string parameter, string value)
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage response = await client.ExchangeAsync(await client.GetCodeAsync(), (parameter, value));

        await AssertTokenErrorAsync("invalid_grant", response);
    }

    [Fact]
    public async Task A_missing_code_challenge_method_means_plain()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        (string, string)[] plain = [("code_challenge", Verifier), ("code_challenge_method", "")];

        using HttpResponseMessage good = await client.ExchangeAsync(await client.GetCodeAsync("alice", plain));
        using HttpResponseMessage bad = await client.ExchangeAsync(await client.GetCodeAsync("alice", ("code_challenge_method", "")));

        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        await AssertTokenErrorAsync("invalid_grant", bad);
    }

    [Fact]
    public async Task PKCE_is_optional_at_the_development_provider()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string code = await client.GetCodeAsync("alice", ("code_challenge", ""), ("code_challenge_method", ""));

        using HttpResponseMessage response = await client.ExchangeAsync(code, ("code_verifier", ""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData(nameof(ClientAuthentication.BasicOrPost), true, true)]
    [InlineData(nameof(ClientAuthentication.BasicOnly), true, false)]
    [InlineData(nameof(ClientAuthentication.PostOnly), false, true)]
    public async Task A_client_authenticates_with_Basic_or_in_the_form(string allowed, bool basicIsGood, bool postIsGood)
    {
        await using DevelopmentProvider provider = await StartAsync(
            options => options with { ClientAuthentication = Enum.Parse<ClientAuthentication>(allowed) });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage byBasic = await ExchangeByBasicAsync(client, provider, provider.Options.ClientSecret);
        using HttpResponseMessage byPost = await client.ExchangeAsync(await client.GetCodeAsync());

        await AssertGoodOrInvalidClientAsync(basicIsGood, byBasic);
        await AssertGoodOrInvalidClientAsync(postIsGood, byPost);
    }

    [Fact]
    public async Task Percent_encoded_Basic_credentials_are_decoded_by_newer_providers_only()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { ClientSecret = "a secret+with/odd=characters: 32 bytes" });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string encoded = Uri.EscapeDataString(provider.Options.ClientSecret);

        using HttpResponseMessage literal = await ExchangeByBasicAsync(client, provider, provider.Options.ClientSecret);
        using HttpResponseMessage refused = await ExchangeByBasicAsync(client, provider, encoded);
        provider.Options = provider.Options with { DecodesBasicCredentials = true };
        using HttpResponseMessage decoded = await ExchangeByBasicAsync(client, provider, encoded);

        Assert.Equal(HttpStatusCode.OK, literal.StatusCode);
        await AssertTokenErrorAsync("invalid_client", refused);
        Assert.Equal(HttpStatusCode.OK, decoded.StatusCode);
    }

    [Theory]
    [InlineData("client_secret", "wrong", "invalid_client")]
    [InlineData("client_secret", "", "invalid_client")]
    [InlineData("client_id", "somebody-else", "invalid_client")]
    [InlineData("grant_type", "client_credentials", "unsupported_grant_type")]
    [InlineData("grant_type", "", "invalid_request")]
    public async Task Every_error_of_the_token_endpoint_is_a_400(string parameter, string value, string error)
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string code = await client.GetCodeAsync();

        using HttpResponseMessage response = await client.ExchangeAsync(code, (parameter, value));
        using HttpResponseMessage code_is_still_good = await client.ExchangeAsync(code);

        await AssertTokenErrorAsync(error, response);
        Assert.Equal(HttpStatusCode.OK, code_is_still_good.StatusCode);
    }

    [Fact]
    public async Task A_public_client_needs_no_secret()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { PublicClient = true });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage response = await client.ExchangeAsync(await client.GetCodeAsync(), ("client_secret", ""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Offline_access_gives_a_refresh_token_that_rotates()
    {
        await using DevelopmentProvider provider = await StartAsync(WithOfflineAccess);
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject first = await client.SignInForTokensAsync("alice", ("scope", "openid profile offline_access"));

        using HttpResponseMessage response = await client.RefreshAsync(Text(first, "refresh_token"));
        JsonObject second = await JsonAsync(response);
        using HttpResponseMessage reused = await client.RefreshAsync(Text(first, "refresh_token"));
        using HttpResponseMessage again = await client.RefreshAsync(Text(second, "refresh_token"));

        Assert.NotEqual(Text(first, "refresh_token"), Text(second, "refresh_token"));
        Assert.Equal("openid profile offline_access", Text(second, "scope"));
        await AssertTokenErrorAsync("invalid_grant", reused);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task A_mapped_offline_access_scope_must_be_requested()
    {
        await using DevelopmentProvider provider = await StartAsync(WithOfflineAccess);
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        Assert.Null((await client.SignInForTokensAsync())["refresh_token"]);
    }

    [Fact]
    public async Task A_refresh_returns_current_claims_without_a_nonce()
    {
        Clock clock = new Clock();
        await using DevelopmentProvider provider = await StartAsync(options => WithOfflineAccess(options) with { TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject before = await client.SignInForTokensAsync("alice", ("scope", "openid profile offline_access"));
        provider.Change(provider.Find("alice")! with { Groups = ["archive"] });
        clock.Advance(TimeSpan.FromHours(1));

        using HttpResponseMessage response = await client.RefreshAsync(Text(before, "refresh_token"));

        (JsonObject? first, JsonObject? second) = (Payload(before), Payload(await JsonAsync(response)));
        Assert.False(second.ContainsKey("nonce"));
        Assert.Equal("""["archive"]""", second["groups"]!.ToJsonString());
        Assert.Equal(Text(first, "sid"), Text(second, "sid"));
        Assert.Equal(first["auth_time"]!.GetValue<long>(), second["auth_time"]!.GetValue<long>());
        Assert.Equal(first["iat"]!.GetValue<long>() + 3600, second["iat"]!.GetValue<long>());
    }

    [Fact]
    public async Task A_refresh_token_is_valid_for_thirty_days()
    {
        Clock clock = new Clock();
        await using DevelopmentProvider provider = await StartAsync(options => WithOfflineAccess(options) with { TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject tokens = await client.SignInForTokensAsync("alice", ("scope", "openid offline_access"));

        clock.Advance(TimeSpan.FromDays(30) + TimeSpan.FromSeconds(1));

        using HttpResponseMessage response = await client.RefreshAsync(Text(tokens, "refresh_token"));
        await AssertTokenErrorAsync("invalid_grant", response);
    }

    [Fact]
    public async Task A_test_can_set_the_next_token_error()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string code = await client.GetCodeAsync();
        provider.NextTokenError = new ProviderError("server_error", "Out of order.");

        using HttpResponseMessage refused = await client.ExchangeAsync(code);
        using HttpResponseMessage next = await client.ExchangeAsync(code);

        Assert.Equal("Out of order.", Text(await AssertTokenErrorAsync("server_error", refused), "error_description"));
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Fact]
    public async Task A_token_can_be_introspected_and_revoked()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string token = Text(await client.SignInForTokensAsync(), "access_token");
        (string, string)[] form =
            [("token", token), ("client_id", provider.Options.ClientId), ("client_secret", provider.Options.ClientSecret)];

        using HttpResponseMessage before = await client.PostAsync("/application/o/introspect/", form);
        using HttpResponseMessage revoked = await client.PostAsync("/application/o/revoke/", form);
        using HttpResponseMessage after = await client.PostAsync("/application/o/introspect/", form);
        using HttpResponseMessage userInfo = await client.UserInfoAsync(token);

        Assert.True((await JsonAsync(before))["active"]!.GetValue<bool>());
        Assert.Equal(HttpStatusCode.OK, revoked.StatusCode);
        Assert.False((await JsonAsync(after))["active"]!.GetValue<bool>());
        Assert.Equal(HttpStatusCode.Unauthorized, userInfo.StatusCode);
    }
}
