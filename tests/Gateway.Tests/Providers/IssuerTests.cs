using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>A provider may use its own issuer only, and an issuer belongs to one provider.</summary>
public sealed class IssuerTests
{
    [Fact]
    public async Task A_provider_whose_discovery_document_names_another_providers_issuer_signs_nobody_in()
    {
        await using TwoProviders providers = await TwoProviders.StartAsync();
        World world = providers.World;
        using Visitor alice = await world.SignedInAsync("alice");
        ImpersonateAuthentik(providers);
        using Visitor mallory = world.NewVisitor();

        Page page = await mallory.OpenAsync("/accounts/oidc/other/login/", "same-origin");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Null(await mallory.WhoAsync());
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Single(providers.LinksOf("alice"));
        string reason = CapturedLog.Value(Assert.Single(world.Log.Of("DiscoveryFailed")), "Reason");
        Assert.All(
            [world.Provider.Issuer.AbsoluteUri, providers.Other.DiscoveryUrl.AbsoluteUri, providers.Other.Issuer.AbsoluteUri.TrimEnd('/')
                + " was expected", "Write the issuer itself as server_url"],
            words => Assert.Contains(words, reason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Logout_tokens_of_a_provider_with_another_providers_issuer_end_no_session_of_that_provider()
    {
        await using TwoProviders providers = await TwoProviders.StartAsync();
        World world = providers.World;
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await providers.SignedInWithOtherAsync();
        ImpersonateAuthentik(providers);
        world.Clock.Advance(TimeSpan.FromHours(13));
        ProviderSession ofAlice = Assert.Single(world.Provider.Sessions);

        using HttpResponseMessage back = await providers.Other.SendBackchannelLogoutAsync(
            new Uri($"{world.Origin}/accounts/oidc/other/logout/backchannel/"),
            Assert.Single(providers.Other.Sessions),
            claims =>
            {
                claims["iss"] = world.Provider.Issuer.AbsoluteUri;
                claims["sub"] = world.Provider.Find("alice")!.Subject;
                claims.Remove("sid");
                return claims;
            },
            "logout+jwt",
            World.Ct);
        using Visitor frame = world.NewVisitor();
        Page front = await frame.OpenAsync(
            $"/accounts/oidc/other/logout/frontchannel/?iss={Uri.EscapeDataString(world.Provider.Issuer.AbsoluteUri)}&sid={ofAlice.Sid}",
            "cross-site");

        Assert.NotEqual(HttpStatusCode.OK, back.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, front.Status);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_provider_that_later_names_another_providers_issuer_keeps_its_own_issuer()
    {
        await using TwoProviders providers = await TwoProviders.StartAsync();
        (await providers.SignedInWithOtherAsync()).Dispose();
        ImpersonateAuthentik(providers);
        providers.World.Clock.Advance(TimeSpan.FromHours(13));
        using Visitor mallory = providers.World.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(mallory, "/", "other")).CompleteAsync();

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Null(await mallory.WhoAsync());
        Assert.NotEmpty(providers.World.Log.Of("DiscoveryFailed"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/.well-known/openid-configuration")]
    public async Task An_issuer_without_a_path_is_accepted(string end)
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["server_url"] = ((string)settings["server_url"]!).Replace("/.well-known/openid-configuration", end, StringComparison.Ordinal),
            options => options.Provider = provider => provider with { GlobalIssuer = true });

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("/", new Uri(world.LinkOf("alice")!.Issuer).AbsolutePath);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task Of_two_applications_at_one_origin_neither_may_use_the_issuer_of_the_other()
    {
        await using Shared shared = await Shared.StartAsync();
        shared.Issuers["b"] = "/application/o/a/";

        Assert.Equal(HttpStatusCode.Redirect, await shared.BeginAsync("a"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await shared.BeginAsync("b"));
        Assert.Contains("/application/o/a/", CapturedLog.Value(Assert.Single(shared.World.Log.Of("DiscoveryFailed")), "Reason"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("b", "a")]
    public async Task Of_two_providers_with_one_issuer_the_first_in_the_settings_keeps_the_issuer(string first, string second)
    {
        await using Shared shared = await Shared.StartAsync();
        shared.Issuers["a"] = shared.Issuers["b"] = "/";

        await shared.BeginAsync(first);
        await shared.BeginAsync(second);

        Assert.Equal(HttpStatusCode.Redirect, await shared.BeginAsync("a"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await shared.BeginAsync("b"));
        string reason = shared.World.Log.Text;
        Assert.Contains("The providers a and b have the same issuer", reason, StringComparison.Ordinal);
        Assert.Contains("issuer mode \"per provider\"", reason.Replace("\\\"", "\"", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_provider_that_changes_its_discovery_document_takes_the_issuer_and_gives_the_issuer_back()
    {
        await using Shared shared = await Shared.StartAsync();
        shared.Issuers["b"] = "/";
        Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.Redirect), (await shared.BeginAsync("a"), await shared.BeginAsync("b")));

        shared.Issuers["a"] = "/";
        shared.World.Clock.Advance(TimeSpan.FromHours(13));
        Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.ServiceUnavailable), (await shared.BeginAsync("a"), await shared.BeginAsync("b")));

        shared.Issuers["a"] = "/application/o/a/";
        shared.World.Clock.Advance(TimeSpan.FromHours(13));
        Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.Redirect), (await shared.BeginAsync("a"), await shared.BeginAsync("b")));
    }

    [Fact]
    public async Task A_renamed_provider_id_keeps_the_links_of_its_people()
    {
        await using World world = await World.StartAsync();
        (await world.SignedInAsync("alice")).Dispose();
        AccountLink before = world.LinkOf("alice")!;
        await world.Gateway.DisposeAsync();
        world.Provider.Options = world.Provider.Options with { RedirectUris = [$"{world.Origin}/accounts/oidc/sso/login/callback/"] };
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(ProvidersSetting.Of(world.Provider, "sso"));
        world.StartGateway();
        using Visitor alice = world.NewVisitor();

        await alice.SignInAsync("alice", provider: "sso");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal((before.Id, "sso"), (Assert.Single(world.Links()).Id, Assert.Single(world.Links()).Provider));
        Assert.Equal("sso", CapturedLog.Value(Assert.Single(world.Log.Of("LinkTakenOver")), "Provider"));
    }

    [Fact]
    public async Task A_link_of_one_configured_provider_is_not_used_for_another_provider()
    {
        await using TwoProviders providers = await TwoProviders.StartAsync();
        await providers.AddLinkAsync("alice", providers.Other.Find("bob")!.Subject, providers.Other.Issuer.AbsoluteUri, "authentik");

        using Visitor bob = await providers.SignedInWithOtherAsync();

        Assert.Equal("bob", await bob.WhoAsync());
        Assert.Equal("authentik", Assert.Single(providers.LinksOf("alice")).Provider);
    }

    [Fact]
    public async Task A_link_is_not_moved_to_a_provider_while_another_provider_might_have_the_same_issuer()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = provider => provider with { GlobalIssuer = true };
        });
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
            ProvidersSetting.Of(world.Provider),
            ProvidersSetting.Of(new Uri(world.Provider.Address, "application/o/other/"), "other", "other", "a secret"));
        world.StartGateway();
        AccountLink link = new(
            0,
            world.Provider.Issuer.AbsoluteUri,
            world.Provider.Find("alice")!.Subject,
            "renamed",
            "alice",
            world.Paperless.Data.FindUser("admin")!.Id,
            "",
            world.Clock.GetUtcNow(),
            DateTimeOffset.UnixEpoch);
        await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().AddAsync(link, onlyToFreeUser: false, World.Ct);

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.NotEqual("admin", await alice.WhoAsync());
        Assert.Contains(world.Links(), other => other.Provider == "renamed");
    }

    /// <summary>"other" says that it is authentik, and that whoever signs in is authentik's alice.</summary>
    private static void ImpersonateAuthentik(TwoProviders providers)
    {
        string issuer = providers.World.Provider.Issuer.AbsoluteUri;
        string subject = providers.World.Provider.Find("alice")!.Subject;
        providers.Other.TamperDiscovery = document =>
        {
            document["issuer"] = issuer;
            return document;
        };
        JsonObject AsAlice(JsonObject claims)
        {
            claims["iss"] = issuer;
            claims["sub"] = subject;
            return claims;
        }

        providers.Other.TamperIdToken = AsAlice;
        providers.Other.TamperUserInfo = AsAlice;
    }

    /// <summary>Providers "a" and "b", in this order, at one origin; the document of each names the issuer that a test says.</summary>
    private sealed class Shared : IAsyncDisposable
    {
        private StubSite _site = null!;

        public Dictionary<string, string> Issuers { get; } = new() { ["a"] = "/application/o/a/", ["b"] = "/application/o/b/" };

        public World World { get; private set; } = null!;

        public static async Task<Shared> StartAsync()
        {
            Shared shared = new();
            shared._site = await StubSite.StartAsync(shared.AnswerAsync);
            shared.World = await World.StartAsync(options =>
                options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(shared.App("a"), shared.App("b")));
            return shared;
        }

        public async Task<HttpStatusCode> BeginAsync(string provider)
        {
            using Visitor visitor = World.NewVisitor();
            return (await visitor.OpenAsync($"/accounts/oidc/{provider}/login/", "same-origin")).Status;
        }

        public async ValueTask DisposeAsync()
        {
            await World.DisposeAsync();
            await _site.DisposeAsync();
        }

        private JsonObject App(string name) => ProvidersSetting.Of(new Uri(_site.Address, $"/application/o/{name}/"), name, "client", "a secret");

        private async Task AnswerAsync(HttpContext context)
        {
            string origin = $"http://{context.Request.Host}";
            string[] path = context.Request.Path.Value!.Split('/');
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(path[^1] != "openid-configuration" ? "{\"keys\":[]}" : new JsonObject
            {
                ["issuer"] = origin + Issuers[path[3]],
                ["authorization_endpoint"] = origin + "/authorize",
                ["token_endpoint"] = origin + "/token",
                ["jwks_uri"] = origin + "/jwks",
            }.ToJsonString());
        }
    }
}
