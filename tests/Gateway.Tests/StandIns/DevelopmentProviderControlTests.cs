using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

public sealed class DevelopmentProviderControlTests
{
    [Fact]
    public async Task An_ended_session_invalidates_its_access_tokens_but_not_its_refresh_tokens()
    {
        await using DevelopmentProvider provider = await StartAsync(WithOfflineAccess);
        using DevelopmentProviderClient alice = new DevelopmentProviderClient(provider);
        using DevelopmentProviderClient bob = new DevelopmentProviderClient(provider);
        JsonObject hers = await alice.SignInForTokensAsync("alice", ("scope", "openid offline_access"));
        JsonObject his = await bob.SignInForTokensAsync("bob");

        await provider.EndSessionsAsync("alice", TestContext.Current.CancellationToken);

        using HttpResponseMessage herInfo = await alice.UserInfoAsync(Text(hers, "access_token"));
        using HttpResponseMessage hisInfo = await bob.UserInfoAsync(Text(his, "access_token"));
        using HttpResponseMessage refreshed = await alice.RefreshAsync(Text(hers, "refresh_token"));
        Assert.Equal(HttpStatusCode.Unauthorized, herInfo.StatusCode);
        Assert.Equal(HttpStatusCode.OK, hisInfo.StatusCode);
        Assert.Equal(HttpStatusCode.OK, refreshed.StatusCode);
        Assert.Equal("bob", Assert.Single(provider.Sessions).Username);
    }

    [Fact]
    public async Task A_deactivated_persons_tokens_are_invalid_and_the_person_cannot_sign_in_again()
    {
        await using DevelopmentProvider provider = await StartAsync(WithOfflineAccess);
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject tokens = await client.SignInForTokensAsync("alice", ("scope", "openid offline_access"));

        await provider.DeactivateAsync("alice", TestContext.Current.CancellationToken);

        using HttpResponseMessage refreshed = await client.RefreshAsync(Text(tokens, "refresh_token"));
        using HttpResponseMessage userInfo = await client.UserInfoAsync(Text(tokens, "access_token"));
        using HttpResponseMessage signIn = await client.PostAsync(SignInPath, ("person", "alice"), ("next", "/"));
        await AssertTokenErrorAsync("invalid_grant", refreshed);
        Assert.Equal(HttpStatusCode.Unauthorized, userInfo.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, signIn.StatusCode);
    }

    [Fact]
    public async Task The_redirect_URIs_can_be_set_after_the_start()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { RedirectUris = [] });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage before = await client.AuthorizeAsync();
        provider.Options = provider.Options with { RedirectUris = [Callback] };
        using HttpResponseMessage after = await client.AuthorizeAsync();

        Assert.Equal(HttpStatusCode.BadRequest, before.StatusCode);
        Assert.NotNull(CallbackParameter(after, "code"));
    }

    [Fact]
    public async Task An_outage_of_the_development_provider_drops_connections_or_answers_503()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        provider.Outage = Outage.DropsConnections;
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(DiscoveryPath));
        provider.Outage = Outage.ServiceUnavailable;
        using HttpResponseMessage unavailable = await client.GetAsync(DiscoveryPath);
        provider.Outage = Outage.None;
        using HttpResponseMessage back = await client.GetAsync(DiscoveryPath);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, unavailable.StatusCode);
        Assert.Equal(HttpStatusCode.OK, back.StatusCode);
    }

    [Fact]
    public async Task A_test_can_hold_a_request_until_the_test_releases_the_request()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        provider.Hold = path =>
        {
            if (path != KeySetPath)
            {
                return Task.CompletedTask;
            }

            arrived.SetResult();
            return release.Task;
        };

        using HttpResponseMessage other = await client.GetAsync(DiscoveryPath);
        Task<HttpResponseMessage> held = client.GetAsync(KeySetPath);
        await arrived.Task.InTimeAsync("The provider gets the request.");

        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.False(held.IsCompleted);
        Assert.Contains(provider.Received, request => request.Path == KeySetPath);
        release.SetResult();
        using HttpResponseMessage response = await held;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Every_request_to_the_development_provider_is_recorded_with_its_form_and_credentials()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInForTokensAsync();
        using HttpResponseMessage byBasic = await ExchangeByBasicAsync(client, provider, "wrong");

        List<ProviderRequest> exchanges = provider.Received.Where(request => request.Path == "/application/o/token/").ToList();

        Assert.Equal(2, exchanges.Count);
        Assert.Equal("POST", exchanges[0].Method);
        Assert.Equal(provider.Address.Authority, exchanges[0].Host);
        Assert.Equal(Verifier, exchanges[0].Form["code_verifier"]);
        Assert.Equal(provider.Options.ClientSecret, exchanges[0].Form["client_secret"]);
        Assert.StartsWith("Basic ", exchanges[1].Authorization, StringComparison.Ordinal);
        Assert.Contains(provider.Received, request => request.PathAndQuery.StartsWith("/application/o/authorize/?client_id=", StringComparison.Ordinal));
        provider.ClearReceived();
        Assert.Empty(provider.Received);
    }

    [Fact]
    public async Task Two_development_providers_can_run_side_by_side()
    {
        await using DevelopmentProvider first = await StartAsync();
        await using DevelopmentProvider second = await StartAsync(options => options with { SessionCookie = "other_session" });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(first);
        using DevelopmentProviderClient other = new DevelopmentProviderClient(second);

        JsonObject tokens = await client.SignInForTokensAsync("alice");
        JsonObject others = await other.SignInForTokensAsync("alice");

        Assert.NotEqual(first.Issuer, second.Issuer);
        Assert.True((await ValidateAsync(client, first, tokens)).IsValid);
        Assert.False((await ValidateAsync(client, first, others)).IsValid);
        using HttpResponseMessage userInfo = await client.UserInfoAsync(Text(others, "access_token"));
        Assert.Equal(HttpStatusCode.Unauthorized, userInfo.StatusCode);
    }

    [Fact]
    public async Task A_restarted_development_provider_keeps_its_address()
    {
        DevelopmentProvider first = await StartAsync();
        Uri address = first.Address;
        await first.DisposeAsync();

        await using DevelopmentProvider second = await StartAsync(options => options with { Url = address.AbsoluteUri });

        Assert.Equal(address, second.Address);
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://192.0.2.1:0")]
    [InlineData("https://127.0.0.1:0")]
    public async Task The_development_provider_serves_plain_HTTP_on_loopback_only(string url)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(options => options with { Url = url }));
    }
}
