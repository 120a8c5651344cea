using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Microsoft.AspNetCore.WebUtilities;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

public sealed class DevelopmentProviderLogoutTests
{
    [Fact]
    public async Task The_end_session_endpoint_shows_a_page_and_ends_the_providers_session()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject tokens = await client.SignInForTokensAsync();

        using HttpResponseMessage page = await client.GetAsync(EndSessionPath);
        using HttpResponseMessage userInfo = await client.UserInfoAsync(Text(tokens, "access_token"));
        using HttpResponseMessage next = await client.AuthorizeAsync(("prompt", "none"));

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("logged out", await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, userInfo.StatusCode);
        Assert.Equal("login_required", CallbackParameter(next, "error"));
        Assert.Empty(provider.Sessions);
    }

    [Fact]
    public async Task An_end_session_flow_without_stages_keeps_the_providers_session()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { EndSessionEndsProviderSession = false });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        JsonObject tokens = await client.SignInForTokensAsync();

        using HttpResponseMessage page = await client.GetAsync(EndSessionPath);
        using HttpResponseMessage userInfo = await client.UserInfoAsync(Text(tokens, "access_token"));
        using HttpResponseMessage next = await client.AuthorizeAsync(("prompt", "none"));

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal(HttpStatusCode.OK, userInfo.StatusCode);
        Assert.NotNull(CallbackParameter(next, "code"));
    }

    [Theory]
    [InlineData("http://127.0.0.1:9/", "http://127.0.0.1:9/?state=a%20b")]
    [InlineData(AfterLogout, AfterLogout + "&state=a%20b")]
    public async Task The_end_session_endpoint_redirects_to_a_registered_address_with_the_state(string registered, string expected)
    {
        await using DevelopmentProvider provider = await StartAsync(WithLogoutUri);
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string idToken = Text(await client.SignInForTokensAsync(), "id_token");

        using HttpResponseMessage response = await EndSessionAsync(
            client, ("id_token_hint", idToken), ("post_logout_redirect_uri", registered), ("state", "a b"), ("client_id", "ignored"));

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        Assert.Equal(expected, response.Headers.Location?.OriginalString);
        Assert.Empty(provider.Sessions);
    }

    [Fact]
    public async Task Without_a_state_the_post_logout_redirect_has_no_state()
    {
        await using DevelopmentProvider provider = await StartAsync(WithLogoutUri);
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string idToken = Text(await client.SignInForTokensAsync(), "id_token");

        using HttpResponseMessage response = await EndSessionAsync(client, ("id_token_hint", idToken), ("post_logout_redirect_uri", AfterLogout));

        Assert.Equal(AfterLogout, response.Headers.Location?.OriginalString);
    }

    [Theory]
    [InlineData(true, "http://127.0.0.1:9/accounts/login/")]
    [InlineData(true, "http://127.0.0.1:9/accounts/login/?loggedout=1&x=1")]
    [InlineData(true, "nonsense")]
    [InlineData(false, AfterLogout)]
    public async Task A_mismatched_or_missing_ID_token_hint_gives_a_400_page(bool hint, string uri)
    {
        await using DevelopmentProvider provider = await StartAsync(WithLogoutUri);
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string idToken = Text(await client.SignInForTokensAsync(), "id_token");
        (string, string)[] hints = hint ? [("id_token_hint", idToken)] : [];

        using HttpResponseMessage response = await EndSessionAsync(client, [.. hints, ("post_logout_redirect_uri", uri)]);

        await AssertErrorPageAsync(response);
        Assert.Single(provider.Sessions);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Without_a_registered_address_or_before_2026_5_the_person_stays_at_the_provider(bool registered, bool honours)
    {
        await using DevelopmentProvider provider = await StartAsync(options =>
            (registered ? WithLogoutUri(options) : options) with { EndSessionHonoursPostLogoutRedirectUri = honours });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string idToken = Text(await client.SignInForTokensAsync(), "id_token");

        using HttpResponseMessage response = await EndSessionAsync(client, ("id_token_hint", idToken), ("post_logout_redirect_uri", AfterLogout));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(provider.Sessions);
    }

    [Fact]
    public async Task An_ID_token_hint_may_be_expired_but_not_issued_to_another_client()
    {
        Clock clock = new Clock();
        await using DevelopmentProvider provider = await StartAsync(options => WithLogoutUri(options) with { TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string hint = Text(await client.SignInForTokensAsync(), "id_token");
        provider.TamperIdToken = claims => new JsonObject(claims.Select(Copy)) { ["aud"] = "another" };
        string anotherAudience = Text(await client.SignInForTokensAsync(), "id_token");
        provider.TamperIdToken = claims => new JsonObject(claims.Select(Copy)) { ["iss"] = "https://evil/" };
        string anotherIssuer = Text(await client.SignInForTokensAsync(), "id_token");
        clock.Advance(TimeSpan.FromDays(1));

        foreach (string bad in (string[])[anotherAudience, anotherIssuer, hint[..^8] + "AAAAAAAA", "nonsense"])
        {
            using HttpResponseMessage refused = await EndSessionAsync(client, ("id_token_hint", bad), ("post_logout_redirect_uri", AfterLogout));
            await AssertErrorPageAsync(refused);
        }

        using HttpResponseMessage good = await EndSessionAsync(client, ("id_token_hint", hint), ("post_logout_redirect_uri", AfterLogout));
        Assert.Equal(AfterLogout, good.Headers.Location?.OriginalString);
    }

    [Theory]
    [InlineData(nameof(SigningMode.ES256))]
    [InlineData(nameof(SigningMode.HS256))]
    [InlineData(nameof(SigningMode.None))]
    [InlineData(nameof(SigningMode.WrongKey))]
    public async Task An_ID_token_hint_is_accepted_with_any_signing_mode(string mode)
    {
        await using DevelopmentProvider provider = await StartAsync(options => WithLogoutUri(options) with { Signing = Enum.Parse<SigningMode>(mode) });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string hint = Text(await client.SignInForTokensAsync(), "id_token");

        using HttpResponseMessage response = await EndSessionAsync(client, ("id_token_hint", hint), ("post_logout_redirect_uri", AfterLogout));

        Assert.Equal(AfterLogout, response.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task A_cross_site_POST_to_the_end_session_endpoint_is_refused_and_ends_nothing()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage response = await client.PostAsync(EndSessionPath, ("state", "a"));

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Single(provider.Sessions);
    }

    [Fact]
    public async Task Before_2026_8_a_sign_out_without_a_session_requires_a_sign_in()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { EndSessionAsksForSignIn = true });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage response = await client.GetAsync(EndSessionPath + "?state=a");

        Assert.StartsWith(SignInPath, response.Headers.Location?.OriginalString, StringComparison.Ordinal);
        Assert.Equal(EndSessionPath + "?state=a", Next(response));
    }

    [Fact]
    public async Task The_front_channel_logout_is_a_hidden_frame_on_the_end_session_page()
    {
        await using DevelopmentProvider provider = await StartAsync(options =>
            WithLogoutUri(options) with { FrontchannelLogoutUri = new Uri("http://127.0.0.1:9/front/") });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        string hint = Text(await client.SignInForTokensAsync(), "id_token");
        string sid = Assert.Single(provider.Sessions).Sid;

        using HttpResponseMessage page = await EndSessionAsync(client, ("id_token_hint", hint), ("post_logout_redirect_uri", AfterLogout));

        string html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        string iss = Uri.EscapeDataString(provider.Issuer.AbsoluteUri);
        Assert.Contains($"<iframe src=\"http://127.0.0.1:9/front/?iss={iss}&amp;sid={sid}\"", html, StringComparison.Ordinal);
        Assert.Contains("http-equiv=\"refresh\"", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_logout_token_is_signed_and_has_authentiks_claims()
    {
        await using DevelopmentProvider provider = await StartAsync();
        await using LogoutReceiver application = await LogoutReceiver.StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();
        ProviderSession session = Assert.Single(provider.Sessions);

        using HttpResponseMessage response = await provider.SendBackchannelLogoutAsync(
            application.Address, session, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        string token = Assert.Single(application.Tokens);
        JsonObject claims = Payload(token);
        Assert.Equal("logout+jwt", Header(new JsonObject { ["id_token"] = token }).Typ);
        Assert.Equal(["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"], Members(claims).Order(StringComparer.Ordinal));
        Assert.Equal("""{"http://schemas.openid.net/event/backchannel-logout":{}}""", claims["events"]!.ToJsonString());
        Assert.Equal(session.Sid, Text(claims, "sid"));
        Assert.Equal(session.Subject, Text(claims, "sub"));
        Assert.True((await ValidateAsync(client, provider, new JsonObject { ["id_token"] = token })).IsValid);
    }

    [Fact]
    public async Task A_test_can_change_a_logout_token_and_its_type()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        string token = provider.CreateLogoutToken(
            Assert.Single(provider.Sessions), claims => new JsonObject(claims.Select(Copy)) { ["nonce"] = "n" }, "JWT");

        Assert.Equal("n", Text(Payload(token), "nonce"));
        Assert.Equal("JWT", Header(new JsonObject { ["id_token"] = token }).Typ);
    }

    [Fact]
    public async Task Each_live_access_token_causes_its_own_back_channel_logout()
    {
        await using LogoutReceiver application = await LogoutReceiver.StartAsync();
        await using DevelopmentProvider provider = await StartAsync(options => options with { BackchannelLogoutUri = application.Address });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInForTokensAsync();
        using HttpResponseMessage again = await client.AuthorizeAsync();
        using HttpResponseMessage exchanged = await client.ExchangeAsync(CallbackParameter(again, "code")!);

        using HttpResponseMessage page = await client.GetAsync(EndSessionPath);

        Assert.Equal(2, application.Tokens.Count);
        Assert.Equal(2, application.Tokens.Select(token => Text(Payload(token), "jti")).Distinct().Count());
        Assert.Single(application.Tokens.Select(token => Text(Payload(token), "sid")).Distinct());
    }

    [Fact]
    public async Task An_application_without_a_live_access_token_gets_no_back_channel_logout()
    {
        Clock clock = new Clock();
        await using LogoutReceiver application = await LogoutReceiver.StartAsync();
        await using DevelopmentProvider provider = await StartAsync(options =>
            options with { BackchannelLogoutUri = application.Address, TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInForTokensAsync();
        clock.Advance(TimeSpan.FromHours(1));

        using HttpResponseMessage page = await client.GetAsync(EndSessionPath);

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Empty(application.Tokens);
    }

    private static Task<HttpResponseMessage> EndSessionAsync(DevelopmentProviderClient client, params (string Name, string Value)[] query) =>
        client.GetAsync(QueryHelpers.AddQueryString(
            EndSessionPath, query.Select(pair => KeyValuePair.Create(pair.Name, (string?)pair.Value))));
}
