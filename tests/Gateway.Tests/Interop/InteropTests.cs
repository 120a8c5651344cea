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
    [InlineData("client_secret_basic", "RS256", null, false, "none")]
    [InlineData("client_secret_post", "ES256", null, false, "offered")]
    [InlineData("client_secret_basic", "ES256", null, true, "required")]
    [InlineData("client_secret_basic", "EdDSA", "Ed25519", false, "none")]
    [InlineData("client_secret_basic", "Ed25519", "EdDSA", true, "none")]
    [InlineData("client_secret_basic", "HS256", null, true, "none")]
    public async Task A_person_signs_in_and_out_at_the_gateway_and_at_oidc_provider(
        string method,
        string algorithm,
        string? userInfoAlgorithm,
        bool claimsInIdToken,
        string pushedRequests)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = SettingsFor(world) with
        {
            TokenEndpointAuthMethod = method,
            IdTokenSignedResponseAlg = algorithm,
            UserinfoSignedResponseAlg = userInfoAlgorithm,
            ClaimsInIdToken = claimsInIdToken,
            ClientSecret = "a+b c/d:e%41&f=g~\"h\" of 32 bytes or more",
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

    [Fact]
    public async Task A_provider_that_changes_a_key_under_the_same_key_id_works_again_at_the_next_sign_in()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = SettingsFor(world) with { KidPrefix = "same" };
        await using OidcProviderProcess provider = await StartAsync(world, settings, method: null);
        await SignInAsync(world, provider, "alice");

        await provider.RestartAsync(settings, World.Ct);

        using Visitor bob = await SignInAsync(world, provider, "bob");
        Assert.Equal("bob", await bob.WhoAsync());
    }

    [Fact]
    public async Task A_client_that_may_not_have_offline_access_signs_in_without_it()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_OFFLINE_ACCESS"] = "always";
        });
        await using OidcProviderProcess provider = await StartAsync(
            world,
            SettingsFor(world) with { ClientScope = "openid profile email" },
            method: null,

            // Without prompt=consent, oidc-provider drops offline_access in place of a refusal (OpenID Connect Core 1.0, section 11).
            configure: app => app["settings"]!["auth_params"] = new JsonObject { ["prompt"] = "consent" });
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2", "interop");
        Assert.Contains("offline_access", tab.Authorize.Query, StringComparison.Ordinal);
        Uri refused = await atProvider.SignInAsync(tab.Authorize, "alice", World.Ct);
        Assert.Contains("error=invalid_scope", refused.Query, StringComparison.Ordinal);
        Page again = await visitor.OpenAsync(refused.PathAndQuery, "cross-site");
        Assert.DoesNotContain("offline_access", again.Location!.Query, StringComparison.Ordinal);
        Page page = await visitor.NavigateAsync((await atProvider.SignInAsync(again.Location, "alice", World.Ct)).PathAndQuery, "cross-site");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.DoesNotContain("offline_access", (await RoundTrip.BeginAsync(world.NewVisitor(), "/", "interop")).Authorize.Query, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""["editors", "staff"]""")]
    [InlineData("\"editors,staff\"")]
    [InlineData("\"editors; staff\"")]
    [InlineData("""[{"name": "editors"}, {"name": "staff"}]""")]
    [InlineData("""{"editors": {"320": "idm.example"}, "staff": {"320": "idm.example"}}""")]
    public async Task Groups_of_each_shape_are_read(string groups)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = SettingsFor(world) with { Claims = new JsonObject { ["groups"] = JsonNode.Parse(groups) } };
        await using OidcProviderProcess provider = await StartAsync(world, settings, method: null);

        using Visitor visitor = await SignInAsync(world, provider, "alice");

        JsonNode session = JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!;
        Assert.Equal(["editors", "staff"], session["groups"]!.AsArray().Select(group => (string?)group).Order());
    }

    [Fact]
    public async Task A_person_without_a_user_name_claim_gets_the_name_of_the_email_address()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = SettingsFor(world) with { Claims = new JsonObject { ["preferred_username"] = null } };
        await using OidcProviderProcess provider = await StartAsync(world, settings, method: null);

        using Visitor visitor = await SignInAsync(world, provider, "heidi");

        Assert.Equal("heidi", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_person_in_400_groups_signs_out_by_a_short_address_and_returns()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        JsonArray groups = [.. Enumerable.Range(0, 400).Select(number => (JsonNode)$"department-{number}")];
        OidcProviderSettings settings = SettingsFor(world) with { ClaimsInIdToken = true, Claims = new JsonObject { ["groups"] = groups } };
        await using OidcProviderProcess provider = await StartAsync(world, settings, method: null);
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor visitor = await SignInAsync(world, provider, "alice", atProvider);

        Page logout = await visitor.OpenAsync("/accounts/logout/", "same-origin");
        Uri back = await atProvider.SignOutAsync(logout.Location!, World.Ct);

        Assert.InRange(logout.Location!.AbsoluteUri.Length, 1, 2000);
        Assert.StartsWith($"{world.Origin}/accounts/login/?loggedout=1", back.AbsoluteUri, StringComparison.Ordinal);
        atProvider.Pages.Clear();
        await atProvider.SignInAsync((await RoundTrip.BeginAsync(visitor, "/", "interop")).Authorize, "alice", World.Ct);
        Assert.Equal("Sign in", atProvider.Pages[0]);
    }

    [Fact]
    public async Task A_requested_max_age_is_answered_with_the_time_of_authentication()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using OidcProviderProcess provider = await StartAsync(
            world,
            SettingsFor(world),
            method: null,
            configure: app => app["settings"]!["auth_params"] = new JsonObject { ["max_age"] = "600" });

        using Visitor visitor = await SignInAsync(world, provider, "alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    private static OidcProviderSettings SettingsFor(World world) => new()
    {
        RedirectUris = [new Uri(world.Origin + "/accounts/oidc/interop/login/callback/")],
        PostLogoutRedirectUris = [new Uri(world.Origin + "/accounts/login/?loggedout=1")],
    };

    /// <summary>Starts the provider, and then the gateway in front of it.</summary>
    private static async Task<OidcProviderProcess> StartAsync(
        World world, OidcProviderSettings settings, string? method, string? secret = null, Action<JsonObject>? configure = null)
    {
        OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, World.Ct);
        JsonObject app = ProvidersSetting.Of(provider.Issuer, "interop", settings.ClientId, secret ?? settings.ClientSecret);
        app["settings"]!["token_auth_method"] = method ?? settings.TokenEndpointAuthMethod;
        configure?.Invoke(app);
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
        world.StartGateway();
        return provider;
    }

    private static async Task<Visitor> SignInAsync(World world, OidcProviderProcess provider, string login, OidcProviderSignIn? atProvider = null)
    {
        using OidcProviderSignIn? own = atProvider is null ? new OidcProviderSignIn(provider.Issuer) : null;
        Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/", "interop");
        Uri callback = await (atProvider ?? own)!.SignInAsync(tab.Authorize, login, World.Ct);
        Page page = await tab.FinishAsync(callback.PathAndQuery);
        Assert.True(page.Status == HttpStatusCode.OK, page.Text);
        return visitor;
    }
}
