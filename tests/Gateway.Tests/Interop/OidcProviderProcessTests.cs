using System.Net;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Gateway.Tests.Interop;

/// <summary>Checks oidc-provider itself with a minimal client, without the gateway.</summary>
[Needs(RealPart.OidcProvider)]
public sealed class OidcProviderProcessTests
{
    // Nothing listens there: the redirects are read, not followed.
    private static readonly Uri Callback = new("http://127.0.0.1:9/accounts/oidc/interop/login/callback/");
    private static readonly Uri LoggedOut = new("http://127.0.0.1:9/accounts/login/?loggedout=1");
    private static readonly OidcProviderSettings Settings = new()
    {
        RedirectUris = [Callback],
        PostLogoutRedirectUris = [LoggedOut],
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("RS256", "client_secret_basic", false)]
    [InlineData("ES256", "client_secret_post", true)]
    public async Task An_authorization_code_of_oidc_provider_is_exchanged_for_tokens_that_name_the_person(string algorithm, string method, bool claimsInIdToken)
    {
        OidcProviderSettings settings = Settings with
        {
            IdTokenSignedResponseAlg = algorithm,
            TokenEndpointAuthMethod = method,
            ClaimsInIdToken = claimsInIdToken,
        };
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, settings, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(provider.Issuer);

        Uri back = await browser.SignInAsync(client.Authorize(), "alice", Stop);
        Assert.Equal(Callback.AbsolutePath, back.AbsolutePath);
        Assert.Equal(["Sign in", "Paperless Gateway asks for access"], browser.Pages);

        JsonElement tokens = await client.RedeemAsync(back, Stop);
        JsonWebToken idToken = await client.ValidateAsync(tokens, Stop);
        Assert.Equal(algorithm, idToken.Alg);
        Assert.Equal("alice", idToken.Subject);
        Assert.Equal(claimsInIdToken ? ["editors", "staff"] : [], idToken.Claims.Where(c => c.Type == "groups").Select(c => c.Value));

        JsonElement userinfo = await client.UserinfoAsync(tokens, Stop);
        Assert.Equal("alice", userinfo.GetProperty("preferred_username").GetString());
        Assert.Equal("alice@example.com", userinfo.GetProperty("email").GetString());
        Assert.Equal(["editors", "staff"], userinfo.GetProperty("groups").EnumerateArray().Select(g => g.GetString()));
    }

    [Fact]
    public async Task A_person_without_groups_has_no_groups_claim()
    {
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(Settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, Settings, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(provider.Issuer);

        JsonElement tokens = await client.RedeemAsync(await browser.SignInAsync(client.Authorize(), "carol", Stop), Stop);

        Assert.False((await client.UserinfoAsync(tokens, Stop)).TryGetProperty("groups", out _));
    }

    [Fact]
    public async Task A_second_sign_in_at_oidc_provider_asks_nothing_until_the_session_has_ended()
    {
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(Settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, Settings, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(provider.Issuer);
        JsonElement tokens = await client.RedeemAsync(await browser.SignInAsync(client.Authorize(), "bob", Stop), Stop);
        browser.Pages.Clear();

        Assert.Contains("code=", (await browser.SignInAsync(client.Authorize("prompt=none"), "bob", Stop)).Query, StringComparison.Ordinal);
        Assert.Empty(browser.Pages);

        Uri signedOut = await browser.SignOutAsync(client.EndSession(tokens, LoggedOut, "s7"), Stop);
        Assert.Equal(new Uri(LoggedOut.OriginalString + "&state=s7"), signedOut);
        Assert.Equal(["Sign out?"], browser.Pages);

        Assert.Contains("error=login_required", (await browser.SignInAsync(client.Authorize("prompt=none"), "bob", Stop)).Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_who_cancels_at_oidc_provider_returns_with_access_denied()
    {
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(Settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, Settings, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(provider.Issuer);

        Assert.Contains("error=access_denied", (await browser.CancelAsync(client.Authorize(), Stop)).Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_authorization_request_without_PKCE_is_refused()
    {
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(Settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, Settings, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(provider.Issuer);

        Uri back = await browser.SignInAsync(client.Authorize(pkce: false), "alice", Stop);

        Assert.Contains("error=invalid_request", back.Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_credentials_must_be_percent_encoded_and_sent_by_the_registered_method()
    {
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(Settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, Settings, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(provider.Issuer);
        Uri back = await browser.SignInAsync(client.Authorize(), "alice", Stop);

        Assert.Equal(HttpStatusCode.Unauthorized, await client.TryRedeemAsync(back, HandMadeClient.RawBasic, Stop));
        Assert.Equal(HttpStatusCode.Unauthorized, await client.TryRedeemAsync(back, HandMadeClient.Post, Stop));
        Assert.Equal(HttpStatusCode.OK, await client.TryRedeemAsync(back, HandMadeClient.Basic, Stop));
    }

    [Theory]
    [InlineData("offline_access", "", false)]
    [InlineData("offline_access", "prompt=consent", true)]
    [InlineData("always", "", true)]
    public async Task A_refresh_token_is_issued_when_requested(string refreshTokens, string more, bool comes)
    {
        OidcProviderSettings settings = Settings with { RefreshTokens = refreshTokens };
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, settings, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(provider.Issuer);

        JsonElement tokens = await client.RedeemAsync(await browser.SignInAsync(client.Authorize(more), "alice", Stop), Stop);

        Assert.Equal(comes, tokens.TryGetProperty("refresh_token", out _));
        if (comes)
        {
            JsonElement renewed = await client.RefreshAsync(tokens, Stop);
            Assert.Equal("alice", (await client.UserinfoAsync(renewed, Stop)).GetProperty("sub").GetString());
        }
    }

    [Fact]
    public async Task A_restart_of_oidc_provider_keeps_the_issuer_and_accepts_new_redirect_URIs_and_keys()
    {
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(Settings, Stop);
        Uri issuer = provider.Issuer;
        using HandMadeClient before = await HandMadeClient.DiscoverAsync(issuer, Settings, Stop);
        OidcProviderSettings moved = Settings with { RedirectUris = [new Uri("http://127.0.0.1:9/moved/")] };

        await provider.RestartAsync(moved, Stop);

        Assert.Equal(issuer, provider.Issuer);
        using HandMadeClient after = await HandMadeClient.DiscoverAsync(issuer, moved, Stop);
        using OidcProviderSignIn browser = new OidcProviderSignIn(issuer);
        Assert.Equal("/moved/", (await browser.SignInAsync(after.Authorize(), "alice", Stop)).AbsolutePath);
        Assert.Empty(before.KeyIds.Intersect(after.KeyIds));
    }

    [Fact]
    public async Task A_stopped_oidc_provider_no_longer_listens()
    {
        OidcProviderProcess provider = await OidcProviderProcess.StartAsync(Settings, Stop);
        await provider.DisposeAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => HandMadeClient.DiscoverAsync(provider.Issuer, Settings, Stop));
    }

    [Fact]
    public async Task Settings_that_oidc_provider_refuses_are_reported_in_its_own_words()
    {
        OidcProviderSettings refused = Settings with { IdTokenSignedResponseAlg = "RS257" };

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => OidcProviderProcess.StartAsync(refused, Stop));

        Assert.Contains("id_token_signed_response_alg", error.Message, StringComparison.Ordinal);
    }
}
