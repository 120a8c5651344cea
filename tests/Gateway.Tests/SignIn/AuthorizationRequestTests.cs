using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.SignIn;

public sealed class AuthorizationRequestTests
{
    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task Every_sign_in_sends_an_S256_PKCE_challenge_and_redeems_the_code_with_its_verifier(string enabled)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(ProvidersSetting.Of(world.Provider))
            .Replace("{\"APPS\"", $"{{\"OAUTH_PKCE_ENABLED\":{enabled},\"APPS\"", StringComparison.Ordinal);
        world.StartGateway();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor);
        Page page = await tab.CompleteAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("S256", tab.Query["code_challenge_method"]);
        string verifier = TokenRequest(world).Form["code_verifier"];
        Assert.True(verifier.Length >= 43, "256 bits at least (RFC 7636, section 7.1)");
        Assert.Equal(Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))), tab.Query["code_challenge"]);
    }

    [Fact]
    public async Task The_authorization_request_uses_the_code_flow_the_documented_redirect_URI_and_random_values()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        RoundTrip[] tabs = [await RoundTrip.BeginAsync(visitor), await RoundTrip.BeginAsync(visitor), await RoundTrip.BeginAsync(visitor)];

        Assert.All(tabs, tab =>
        {
            Assert.Equal("code", tab.Query["response_type"]);
            Assert.Equal($"{world.Origin}/accounts/oidc/authentik/login/callback/", tab.Query["redirect_uri"]);
            Assert.Equal(world.Provider.Options.ClientId, tab.Query["client_id"]);
            Assert.Equal(["openid", "profile", "email"], tab.Query["scope"].ToString().Split(' '));
            Assert.DoesNotContain("client_secret", tab.Query.Keys);
            Assert.DoesNotContain("prompt", tab.Query.Keys);
            Assert.Equal(["no-store"], tab.Begun.Response.Headers.GetValues("Cache-Control"));
        });
        foreach (string parameter in (string[])["state", "nonce", "code_challenge"])
        {
            Assert.Equal(3, tabs.Select(tab => tab.Query[parameter].ToString()).Where(value => value.Length >= 43).Distinct().Count());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_correlation_cookie_is_short_lived_HttpOnly_and_not_readable_or_writable_by_other_sites(bool https)
    {
        await using World world = await World.StartAsync(options => options.Https = https);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor);

        string cookie = Assert.Single(tab.Begun.SetCookies);
        string[] attributes = [.. cookie.Split("; ").Skip(1).Select(attribute => attribute.ToLowerInvariant())];
        Assert.StartsWith((https ? "__Host-" : "") + "paperless-gateway-correlation-", cookie, StringComparison.Ordinal);
        Assert.Contains("path=/", attributes);
        Assert.Contains("max-age=1800", attributes);
        Assert.Contains("httponly", attributes);
        Assert.Contains("samesite=lax", attributes);
        Assert.DoesNotContain(attributes, attribute => attribute.StartsWith("domain", StringComparison.Ordinal));
        Assert.Equal(https, attributes.Contains("secure"));
    }

    [Fact]
    public async Task AUTH_PARAMS_and_the_scopes_of_the_provider_setting_are_sent()
    {
        await using World world = await ProvidersSetting.StartAsync(settings =>
        {
            settings["auth_params"] = new System.Text.Json.Nodes.JsonObject { ["ui_locales"] = "de" };
            settings["scope"] = new System.Text.Json.Nodes.JsonArray("profile", "entitlements");
        });
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor);

        Assert.Equal("de", tab.Query["ui_locales"]);
        Assert.Equal("openid profile entitlements", tab.Query["scope"]);
    }

    [Fact]
    public async Task Prompt_login_is_forwarded_and_starts_a_new_sign_in_in_an_existing_session()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        Page already = await visitor.OpenAsync("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", "same-origin");
        Assert.Equal("/documents/2", already.Location?.PathAndQuery);

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, more: "&prompt=login");
        Assert.Equal("login", tab.Query["prompt"]);
        world.Provider.SignsInAs = "bob";
        await tab.CompleteAsync();

        Assert.Equal("bob", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("no-cors", "image")]
    [InlineData("navigate", "iframe")]
    [InlineData("navigate", "embed")]
    [InlineData("cors", "empty")]
    public async Task An_image_a_frame_or_a_script_starts_no_sign_in(string mode, string destination)
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SendAsync(
            HttpMethod.Get,
            "/accounts/oidc/authentik/login/",
            null,
            ("Sec-Fetch-Mode", mode),
            ("Sec-Fetch-Dest", destination),
            ("Sec-Fetch-Site", "cross-site"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("sign_in_embedded", page.Text, StringComparison.Ordinal);
        Assert.Empty(page.SetCookies);
    }

    [Fact]
    public async Task An_unknown_provider_gives_a_page_that_links_to_the_known_providers()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/oidc/keycloak/login/", "same-origin");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.Contains("href=\"/accounts/login/\"", page.Text, StringComparison.Ordinal);
    }

    private static ProviderRequest TokenRequest(World world) =>
        world.Provider.Received.Single(request => request.Path == "/application/o/token/");
}
