using System.Net;
using System.Text.RegularExpressions;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>A world with two providers: "authentik", where everybody is alice, and "other", where everybody is bob.</summary>
internal sealed partial class TwoProviders : IAsyncDisposable
{
    private TwoProviders(World world, DevelopmentProvider other)
    {
        World = world;
        Other = other;
    }

    public World World { get; }

    public DevelopmentProvider Other { get; }

    public IReadOnlyList<AccountLink> Links => World.Gateway.Services.GetRequiredService<IAccountLinkStore>().ListAllAsync(World.Ct).GetAwaiter().GetResult();

    public int UserId(string name) => World.Paperless.Data.FindUser(name)!.Id;

    public IReadOnlyList<AccountLink> LinksOf(string name) => [.. Links.Where(link => link.UserId == UserId(name))];

    public static async Task<TwoProviders> StartAsync(Action<WorldOptions>? configure = null)
    {
        World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "username";
            configure?.Invoke(options);
        });
        DevelopmentProvider other = await DevelopmentProvider.StartAsync(
            new DevelopmentProviderOptions
            {
                TimeProvider = world.Clock,
                SessionCookie = "other_session",
                ClientId = "other-client",
                ClientSecret = "another-secret-that-protects-nothing",
                RedirectUris = [$"{world.Origin}{world.Options.ScriptName}/accounts/oidc/other/login/callback/"],
                PostLogoutRedirectUris = [$"{world.Origin}{world.Options.ScriptName}/accounts/login/?loggedout=1"],
            },
            World.Ct);
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(ProvidersSetting.Of(world.Provider), ProvidersSetting.Of(other, "other"));
        world.StartGateway();
        world.Provider.SignsInAs = "alice";
        other.SignsInAs = "bob";
        return new TwoProviders(world, other);
    }

    public static Action<WorldOptions> ApiOn(bool on) => options =>
    {
        options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = on ? "true" : null;
        options.Paperless = paperless => paperless with { RemoteUserApi = on };
    };

    /// <summary>Links another person of authentik's to a user, as if it had been connected long ago.</summary>
    public async Task<AccountLink> AddLinkAsync(string user, string subject = "somebody", string? issuer = null, string provider = "authentik") =>
        (await World.Gateway.Services.GetRequiredService<IAccountLinkStore>().AddAsync(
            new AccountLink(
                0,
                issuer ?? World.Provider.Issuer.AbsoluteUri,
                subject,
                provider,
                subject + "'s name",
                UserId(user),
                "",
                World.Clock.GetUtcNow(),
                DateTimeOffset.UnixEpoch),
            onlyToFreeUser: false,
            World.Ct))!;

    public static Task<RoundTrip> BeginConnectAsync(Visitor visitor, string next = "/", string provider = "other", string more = "") =>
        RoundTrip.BeginAsync(visitor, next, provider, "&process=connect" + more);

    /// <summary>Connects the account, and goes on from the page that says so.</summary>
    public static async Task<Page> ConnectAsync(Visitor visitor, string next = "/", string provider = "other") =>
        await ContinueAsync(visitor, await (await BeginConnectAsync(visitor, next, provider)).CompleteAsync());

    /// <summary>Follows the link of the page that says that an account was connected; another page stays.</summary>
    public static async Task<Page> ContinueAsync(Visitor visitor, Page page)
    {
        if (ContinueLink().Match(page.Text) is not { Success: true } link)
        {
            return page;
        }

        Page next = await visitor.NavigateAsync(WebUtility.HtmlDecode(link.Groups["address"].Value), "same-origin");
        return next with { Trail = [.. page.Trail, .. next.Trail] };
    }

    [GeneratedRegex("<h1>Connected</h1>.*href=\"(?<address>[^\"]+)\">Back to Paperless", RegexOptions.Singleline)]
    private static partial Regex ContinueLink();

    /// <summary>A new browser in which somebody is signed in with the other provider.</summary>
    public async Task<Visitor> SignedInWithOtherAsync()
    {
        Visitor visitor = World.NewVisitor();
        Page page = await visitor.DeclineAsync(await (await RoundTrip.BeginAsync(visitor, "/", "other")).CompleteAsync());
        Assert.Equal(HttpStatusCode.OK, page.Status);
        return visitor;
    }

    public async ValueTask DisposeAsync()
    {
        await World.DisposeAsync();
        await Other.DisposeAsync();
    }
}
