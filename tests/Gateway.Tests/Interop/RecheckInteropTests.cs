using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Interop;

/// <summary>What follows the sign-in, against oidc-provider: rechecks, silent authentication, back-channel logout.</summary>
[Needs(RealPart.OidcProvider)]
public sealed class RecheckInteropTests
{
    /// <summary>Longer than twice the interval: the request waits for the answer. Short, because the provider's clock is the real one.</summary>
    private static readonly TimeSpan Later = TimeSpan.FromSeconds(21);

    [Fact]
    public async Task A_refresh_token_is_rotated_at_each_recheck_and_refused_after_the_providers_session_ended()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using OidcProviderProcess provider = await StartAsync(world, settings => settings with { RefreshTokens = "always" });
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor alice = await SignedInAsync(world, atProvider);
        for (int round = 0; round < 3; round++)
        {
            world.Clock.Advance(Later);
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Empty(world.Log.Of("RecheckPostponed"));
        DateTimeOffset checkedAt = DateTimeOffset.Parse(
            (string)JsonNode.Parse((await alice.FetchAsync("/gateway/session")).Text)!["checked_at"]!,
            System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(world.Clock.GetUtcNow(), checkedAt);

        await SignOutThereAsync(world, provider, atProvider);
        world.Clock.Advance(Later);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
    }

    [Fact]
    public async Task Userinfo_is_requested_while_the_access_token_is_valid_and_its_refusal_ends_the_session()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using OidcProviderProcess provider = await StartAsync(world, settings => settings);
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor alice = await SignedInAsync(world, atProvider);
        world.Clock.Advance(Later);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.Log.Of("RecheckPostponed"));

        await SignOutThereAsync(world, provider, atProvider);
        world.Clock.Advance(Later);

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_silent_authentication_confirms_or_ends_the_session(bool stillThere)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using OidcProviderProcess provider = await StartAsync(world, settings => settings with { AccessTokenSeconds = 10 });
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor alice = await SignedInAsync(world, atProvider);
        if (!stillThere)
        {
            await SignOutThereAsync(world, provider, atProvider);
        }

        world.Clock.Advance(Later);
        Page sent = await alice.OpenAsync("/documents/2");
        Assert.Contains("prompt=none", sent.Location!.Query, StringComparison.Ordinal);
        atProvider.Pages.Clear();
        Uri answer = await atProvider.SignInAsync(sent.Location, "nobody is asked", World.Ct);
        Page page = await alice.NavigateAsync(answer.PathAndQuery, "cross-site");

        Assert.Empty(atProvider.Pages);
        Assert.Equal(stillThere ? "/documents/2" : "/accounts/login/?next=%2Fdocuments%2F2", page.Address.PathAndQuery);
        Assert.Equal(stillThere ? "alice" : null, await alice.WhoAsync());
    }

    [Fact]
    public async Task A_logout_token_sent_by_the_provider_ends_the_session()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using OidcProviderProcess provider = await StartAsync(
            world,
            settings => settings with { BackchannelLogoutUri = new Uri(world.Origin + "/accounts/oidc/interop/logout/backchannel/") });
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using Visitor alice = await SignedInAsync(world, atProvider);

        await SignOutThereAsync(world, provider, atProvider);

        await world.Log.WaitForAsync("BackChannelLogout");
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    private static async Task<OidcProviderProcess> StartAsync(World world, Func<OidcProviderSettings, OidcProviderSettings> configure)
    {
        OidcProviderSettings settings = configure(new OidcProviderSettings
        {
            RedirectUris = [new Uri(world.Origin + "/accounts/oidc/interop/login/callback/")],
            PostLogoutRedirectUris = [new Uri(world.Origin + "/accounts/login/?loggedout=1")],
        });
        OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, World.Ct);
        JsonObject app = ProvidersSetting.Of(provider.Issuer, "interop", settings.ClientId, settings.ClientSecret);
        app["settings"]!["token_auth_method"] = settings.TokenEndpointAuthMethod;
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
        world.Options.Settings["GATEWAY_SESSION_RECHECK"] = "10s";
        world.StartGateway();
        return provider;
    }

    private static async Task<Visitor> SignedInAsync(World world, OidcProviderSignIn atProvider)
    {
        Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/", "interop");
        Page page = await tab.FinishAsync((await atProvider.SignInAsync(tab.Authorize, "alice", World.Ct)).PathAndQuery);
        Assert.Equal(HttpStatusCode.OK, page.Status);
        return visitor;
    }

    /// <summary>In the same browser at the provider, without the gateway.</summary>
    private static async Task SignOutThereAsync(World world, OidcProviderProcess provider, OidcProviderSignIn atProvider)
    {
        string back = Uri.EscapeDataString(world.Origin + "/accounts/login/?loggedout=1");
        string client = Uri.EscapeDataString(new OidcProviderSettings { RedirectUris = [] }.ClientId);
        await atProvider.SignOutAsync(
            new Uri($"{provider.Issuer.AbsoluteUri.TrimEnd('/')}/session/end?client_id={client}&post_logout_redirect_uri={back}"),
            World.Ct);
    }
}
