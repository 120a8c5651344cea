using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Interop;

/// <summary>The gateway against oidc-provider, an independent and certified implementation of OpenID Connect.</summary>
[Needs(RealPart.OidcProvider)]
public sealed class InteropTests
{
    /// <summary>The client's id has a colon, and its secret letters that Basic must percent-encode; claims come from userinfo alone.</summary>
    [Theory]
    [InlineData("client_secret_basic", "RS256", false, "none")]
    [InlineData("client_secret_post", "ES256", false, "offered")]
    [InlineData("client_secret_basic", "ES256", true, "required")]
    public async Task A_person_signs_in_and_out_at_the_gateway_and_at_oidc_provider(
        string method,
        string algorithm,
        bool claimsInIdToken,
        string pushedRequests)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = SettingsFor(world) with
        {
            TokenEndpointAuthMethod = method,
            IdTokenSignedResponseAlg = algorithm,
            ClaimsInIdToken = claimsInIdToken,
            PushedRequests = pushedRequests,
        };
        await using OidcProviderProcess provider = await StartAsync(world, settings, method);
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2", "interop");
        Assert.Equal(pushedRequests != "none", tab.Query.ContainsKey("request_uri"));
        Uri callback = await atProvider.SignInAsync(tab.Authorize, "alice", World.Ct);
        Page page = await tab.FinishAsync(callback.PathAndQuery);

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Contains("iss=", callback.Query, StringComparison.Ordinal);
        Assert.Equal(["alice"], world.Forwarded[^1].Lines("Remote-User"));
        JsonNode session = JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!;
        Assert.Equal(
            ("alice", "interop", provider.Issuer.AbsoluteUri.TrimEnd('/')),
            ((string?)session["username"], (string?)session["provider"], (string?)session["issuer"]));
        Assert.Equal(["editors", "staff"], session["groups"]!.AsArray().Select(group => (string?)group));

        Page logout = await visitor.OpenAsync("/accounts/logout/", "same-origin");
        Uri back = await atProvider.SignOutAsync(logout.Location!, World.Ct);
        Page signedOut = await visitor.NavigateAsync(back.PathAndQuery, "cross-site");

        Assert.StartsWith($"{world.Origin}/accounts/login/?loggedout=1&state=", back.AbsoluteUri, StringComparison.Ordinal);
        Assert.Contains("You are signed out", signedOut.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
        atProvider.Pages.Clear();
        await atProvider.SignInAsync((await RoundTrip.BeginAsync(visitor, "/", "interop")).Authorize, "alice", World.Ct);
        Assert.Equal("Sign in", atProvider.Pages[0]);
    }

    [Theory]
    [InlineData(true, "none")]
    [InlineData(true, "required")]
    [InlineData(false, "required")]
    public async Task A_client_with_a_private_key_signs_people_in_without_a_secret(bool isRsa, string pushedRequests)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        using ClientKeyPair key = isRsa ? ClientKeyPair.CreateRsa() : ClientKeyPair.CreateEc();
        OidcProviderSettings settings = SettingsFor(world) with
        {
            TokenEndpointAuthMethod = "private_key_jwt",
            ClientJwk = key.Jwk,
            PushedRequests = pushedRequests,
        };
        world.Options.Settings["GATEWAY_CLIENT_KEY"] = key.PrivatePem;
        await using OidcProviderProcess provider = await StartAsync(world, settings, "private_key_jwt", secret: "");
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2", "interop");
        Page page = await tab.FinishAsync((await atProvider.SignInAsync(tab.Authorize, "alice", World.Ct)).PathAndQuery);

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_person_without_groups_is_signed_in_with_unknown_groups()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using OidcProviderProcess provider = await StartAsync(world, SettingsFor(world), "client_secret_basic");
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/", "interop");
        await tab.FinishAsync((await atProvider.SignInAsync(tab.Authorize, "carol", World.Ct)).PathAndQuery);

        JsonNode session = JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!;
        Assert.Equal("carol", (string?)session["username"]);
        Assert.Null(session["groups"]);
    }

    [Fact]
    public async Task A_person_who_cancels_at_the_provider_gets_a_page_and_can_try_again()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using OidcProviderProcess provider = await StartAsync(world, SettingsFor(world), null);
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2", "interop");
        Page cancelled = await tab.FinishAsync((await atProvider.CancelAsync(tab.Authorize, World.Ct)).PathAndQuery);

        Assert.Equal(HttpStatusCode.Forbidden, cancelled.Status);
        Assert.Contains("access_denied", cancelled.Text, StringComparison.Ordinal);
        Assert.Contains("the person did not want to", cancelled.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
        RoundTrip again = await RoundTrip.BeginAsync(visitor, "/documents/2", "interop");
        Page page = await again.FinishAsync((await atProvider.SignInAsync(again.Authorize, "bob", World.Ct)).PathAndQuery);
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
    }

    [Fact]
    public async Task A_wrong_client_secret_is_reported_with_the_variable_to_correct()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = SettingsFor(world);
        await using OidcProviderProcess provider = await StartAsync(
            world,
            settings with { ClientSecret = "another secret" },
            "client_secret_basic",
            settings.ClientSecret);
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/", "interop");
        Page page = await tab.FinishAsync((await atProvider.SignInAsync(tab.Authorize, "alice", World.Ct)).PathAndQuery);

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("invalid_client", page.Text, StringComparison.Ordinal);
        Assert.Contains("PAPERLESS_SOCIALACCOUNT_PROVIDERS", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_provider_that_returns_from_an_outage_with_new_keys_works_again()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = SettingsFor(world);
        await using OidcProviderProcess provider = await StartAsync(world, settings, "client_secret_basic");
        using OidcProviderSignIn before = new(provider.Issuer);
        using Visitor alice = world.NewVisitor();
        RoundTrip first = await RoundTrip.BeginAsync(alice, "/", "interop");
        await first.FinishAsync((await before.SignInAsync(first.Authorize, "alice", World.Ct)).PathAndQuery);

        await provider.RestartAsync(settings, World.Ct);

        using OidcProviderSignIn after = new(provider.Issuer);
        using Visitor bob = world.NewVisitor();
        RoundTrip second = await RoundTrip.BeginAsync(bob, "/documents/2", "interop");
        Page page = await second.FinishAsync((await after.SignInAsync(second.Authorize, "bob", World.Ct)).PathAndQuery);
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal(("alice", "bob"), (await alice.WhoAsync(), await bob.WhoAsync()));
    }

    private static OidcProviderSettings SettingsFor(World world) => new()
    {
        RedirectUris = [new Uri(world.Origin + "/accounts/oidc/interop/login/callback/")],
        PostLogoutRedirectUris = [new Uri(world.Origin + "/accounts/login/?loggedout=1")],
    };

    /// <summary>Starts the provider, and then the gateway in front of it.</summary>
    private static async Task<OidcProviderProcess> StartAsync(World world, OidcProviderSettings settings, string? method, string? secret = null)
    {
        OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, World.Ct);
        JsonObject app = ProvidersSetting.Of(provider.Issuer, "interop", settings.ClientId, secret ?? settings.ClientSecret);
        app["settings"]!["token_auth_method"] = method ?? settings.TokenEndpointAuthMethod;
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
        world.StartGateway();
        return provider;
    }
}
