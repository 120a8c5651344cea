using System.Net;
using System.Text.Json.Nodes;
using Gateway.Providers;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

/// <summary>When a sign-in asks for `offline_access`, and what a provider's refusal of that scope does.</summary>
public sealed class OfflineAccessTests
{
    private static readonly string[] Plain = ["openid", "profile", "email"];

    [Theory]
    [InlineData(null, true, true, false, true)]
    [InlineData("auto", true, true, false, true)]
    [InlineData("auto", true, false, false, false)]
    [InlineData("auto", false, true, false, false)]
    [InlineData("auto", false, false, true, true)]
    [InlineData("never", true, true, false, false)]
    [InlineData("never", true, true, true, false)]
    [InlineData("ALWAYS", false, false, false, true)]
    public async Task Offline_access_is_requested_where_SCOPE_names_it_or_nothing_is_lost_by_trying(
        string? mode,
        bool isAuthentik,
        bool isListed,
        bool isInScope,
        bool isRequested)
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["scope"] = isInScope ? new JsonArray("openid", "offline_access", "email") : null,
            options =>
            {
                options.Settings["GATEWAY_OFFLINE_ACCESS"] = mode;
                options.Provider = provider => provider with { OfflineAccess = isListed };
            });
        world.Provider.TamperDiscovery = document =>
        {
            document["authorization_endpoint"] = isAuthentik ? (string)document["authorization_endpoint"]! : $"{world.Provider.Address}connect/authorize";
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor);

        Assert.Equal(isRequested, tab.Query["scope"].ToString().Split(' ').Contains("offline_access"));
    }

    [Fact]
    public async Task A_provider_that_refuses_offline_access_is_asked_again_without_it_in_the_same_sign_in_and_from_then_on()
    {
        await using World world = await StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice", "/documents/2?x=1");

        Assert.Equal((HttpStatusCode.OK, "/documents/2?x=1"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.Equal(["openid profile email offline_access", "openid profile email"], ScopesSent(world).Distinct());
        Assert.Equal("authentik", CapturedLog.Value(Assert.Single(world.Log.Of("OfflineAccessRefused")), "Provider"));
        Assert.Empty(world.Log.Of("Refused"));

        world.Provider.ClearReceived();
        using Visitor bob = await world.SignedInAsync("bob");
        Assert.Equal(["openid profile email"], ScopesSent(world).Distinct());

        // The operator may have allowed it meanwhile.
        world.Provider.Options = world.Provider.Options with { ClientScopes = null };
        world.Clock.Advance(OfflineAccess.RefusalTtl);
        using Visitor carol = world.NewVisitor();
        Assert.Contains("offline_access", (await RoundTrip.BeginAsync(carol)).Query["scope"].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_of_offline_access_without_a_sign_in_after_it_is_not_remembered()
    {
        await using World world = await StartAsync();
        using Visitor mallory = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(mallory);

        Page again = await mallory.OpenAsync(
            $"/accounts/oidc/authentik/login/callback/?error=invalid_scope&state={Uri.EscapeDataString(tab.Query["state"]!)}",
            "cross-site");

        Assert.DoesNotContain("offline_access", again.Location!.Query, StringComparison.Ordinal);
        using Visitor alice = world.NewVisitor();
        Assert.Contains("offline_access", (await RoundTrip.BeginAsync(alice)).Query["scope"].ToString(), StringComparison.Ordinal);
        Assert.Empty(world.Log.Of("OfflineAccessRefused"));
    }

    [Fact]
    public async Task A_repeated_sign_in_keeps_prompt_login()
    {
        await using World world = await StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, more: "&prompt=login");

        Page again = await visitor.OpenAsync(await tab.AnswerAsync(), "cross-site");

        Assert.Contains("prompt=login", again.Location!.Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scope_that_is_refused_all_the_same_gives_a_page_that_names_the_scopes_that_were_sent()
    {
        await using World world = await StartAsync("openid", "profile");
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("asked for the scopes &quot;openid profile email&quot;", page.Text, StringComparison.Ordinal);
        Assert.Equal(2, ScopesSent(world).Count);
        Assert.Empty(world.Log.Of("OfflineAccessRefused"));
    }

    [Theory]
    [InlineData("invalid_scope", 1)]
    [InlineData("not_allowed", 0)]
    public async Task A_refusal_of_offline_access_at_the_token_endpoint_repeats_the_sign_in_too(string error, int remembered)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { OfflineAccess = true });
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);
        Assert.Contains("offline_access", tab.Query["scope"].ToString(), StringComparison.Ordinal);
        world.Provider.SignsInAs = "alice";
        world.Provider.NextTokenError = new ProviderError(error);

        // Keycloak refuses there, and speaks of the person alone.
        Page page = await tab.CompleteAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.Equal(remembered, world.Log.Of("OfflineAccessRefused").Count);
    }

    [Fact]
    public async Task A_silent_authentication_is_repeated_without_offline_access_too()
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["scope"] = new JsonArray("openid", "profile", "offline_access"));
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Options = world.Provider.Options with { ClientScopes = Plain };
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        world.Provider.ClearReceived();

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal(["openid profile offline_access", "openid profile"], ScopesSent(world));
        Assert.Empty(world.Log.Of("SilentAuthenticationWithoutAnswer"));
    }

    private static async Task<World> StartAsync(params string[] allowed)
    {
        World world = await World.StartAsync(options => options.Provider = provider => provider with
        {
            OfflineAccess = true,
            ClientScopes = allowed.Length > 0 ? allowed : Plain,
        });
        return world;
    }

    private static IReadOnlyList<string> ScopesSent(World world) =>
        [.. world.Provider.Received
            .Where(request => request.Path == "/application/o/authorize/")
            .Select(request => Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(request.Query)["scope"].ToString())];
}
