using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Tests.ReverseProxies;

/// <summary>
/// People with many groups, with nginx in front of the provider and of the gateway. By default nginx refuses a request with a line or header of
/// more than 8 kB, and a response with headers of more than 4 kB.
/// </summary>
[Needs(RealPart.Nginx)]
public sealed class ManyGroupsTests
{
    private const int MaxAddress = 2000;
    private const int MaxResponseHeaders = 4096;

    [Fact]
    public async Task With_400_groups_from_userinfo_sign_in_recheck_and_sign_out_work_through_nginx_with_its_defaults()
    {
        await using Proxied proxied = await Proxied.StartAsync(400, claimsInTokens: false);
        World world = proxied.World;
        using Visitor alice = proxied.Gateway.NewVisitor();

        Page page = await alice.SignInAsync("alice");
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(402, (await alice.GroupsAsync()).Length);

        world.Provider.Change(world.Provider.Find("alice")! with { Groups = [.. GroupNames(401)] });
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Refreshes());
        Assert.Equal(401, (await alice.GroupsAsync()).Length);

        Page signedOut = await alice.NavigateAsync("/accounts/logout/", "same-origin");
        Assert.Equal((HttpStatusCode.OK, "/accounts/login/"), (signedOut.Status, signedOut.Address.AbsolutePath));
        Assert.Contains(signedOut.Trail, address => QueryHelpers.ParseQuery(address.Query).ContainsKey("id_token_hint"));
        Assert.All(signedOut.Trail, address => Assert.InRange(address.AbsoluteUri.Length, 1, MaxAddress));
        Assert.Empty(world.Provider.Sessions);
        Assert.Empty(world.Log.Of("LogoutHintLeftOut"));
    }

    /// <summary>authentik's access token is a JWT that carries the groups, too.</summary>
    [Fact]
    public async Task With_400_groups_in_the_tokens_the_page_and_the_log_say_that_the_access_token_is_too_long_for_nginx()
    {
        await using Proxied proxied = await Proxied.StartAsync(400, claimsInTokens: true);
        using Visitor alice = proxied.Gateway.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        string reason = CapturedLog.Value(Assert.Single(proxied.World.Log.Of("Refused")), "Reason");
        Assert.All((string[])[WebUtility.HtmlDecode(page.Text), reason], text =>
        {
            Assert.Contains("answered 400 instead of the claims of the person", text, StringComparison.Ordinal);
            Assert.Matches("an access token of [0-9,]+ characters", text);
            Assert.Contains("clear \"Include claims in id_token\"", text, StringComparison.Ordinal);
        });
        Assert.Null(await alice.WhoAsync());
    }

    [Theory]
    [InlineData(52)]
    [InlineData(100)]
    public async Task With_the_groups_in_the_ID_token_the_sign_out_ends_the_session_at_the_provider_through_nginx(int groups)
    {
        await using Proxied proxied = await Proxied.StartAsync(groups, claimsInTokens: true);
        using Visitor alice = proxied.Gateway.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, (await alice.SignInAsync("alice")).Status);

        Page signedOut = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, signedOut.Status);
        Assert.All(signedOut.Trail, address => Assert.InRange(address.AbsoluteUri.Length, 1, MaxAddress));
        Assert.Empty(proxied.World.Provider.Sessions);
        Assert.Single(proxied.World.Log.Of("LogoutHintLeftOut"));
    }

    /// <summary>
    /// authentik refuses a form of another site, because it has no CSRF token, and its session goes on. So no long ID token is sent as a form.
    /// </summary>
    [Fact]
    public async Task At_authentik_a_form_with_the_ID_token_would_end_no_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        Uri address = (await alice.OpenAsync("/accounts/logout/", "same-origin")).Location!;
        IEnumerable<KeyValuePair<string, string>> parameters =
            QueryHelpers.ParseQuery(address.Query).Select(one => KeyValuePair.Create(one.Key, one.Value.ToString()));
        using FormUrlEncodedContent form = new(parameters);

        Page answer = await alice.SendAsync(HttpMethod.Post, address.GetLeftPart(UriPartial.Path), form, ("Origin", world.Origin));

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Single(world.Provider.Sessions);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public async Task The_headers_of_a_sign_in_with_400_groups_fit_nginx(int unfinished)
    {
        await using World world = await World.StartAsync(options => options.Provider = given => With(given, 400, claimsInTokens: true));
        using Visitor alice = world.NewVisitor();
        await alice.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, "if/flow/default-authentication-flow/?person=alice").AbsoluteUri);
        for (int begun = 0; begun < unfinished; begun++)
        {
            await RoundTrip.BeginAsync(alice, new string('x', 1000));
        }

        RoundTrip round = await RoundTrip.BeginAsync(alice, "/documents/2");
        string callback = await round.AnswerAsync();
        int sent = callback.Length + alice.Cookies.GetCookieHeader(new Uri(world.Origin)).Length;
        Page answer = await alice.OpenAsync(callback, "cross-site");

        Assert.Equal((HttpStatusCode.Found, "/documents/2"), (answer.Status, answer.Location!.PathAndQuery));
        Assert.All((Page[])[round.Begun, answer], page => Assert.InRange(SizeOf(page), 1, MaxResponseHeaders / 2));
        Assert.InRange(sent, 1, 4096);
    }

    private static IEnumerable<string> GroupNames(int count) => Enumerable.Range(0, count).Select(number => $"a-group-with-a-long-name-{number:000}");

    private static DevelopmentProviderOptions With(DevelopmentProviderOptions given, int groups, bool claimsInTokens) => given with
    {
        OfflineAccess = true,
        IncludeClaimsInIdToken = claimsInTokens,
        People = [.. given.People.Select(person => person with { Groups = [.. person.Groups, .. GroupNames(groups)] })],
    };

    private static int SizeOf(Page page) => page.Response.Headers.Concat(page.Response.Content.Headers)
        .SelectMany(header => header.Value.Select(value => $"{header.Key}: {value}\r\n".Length))
        .Sum();

    /// <summary>Two nginx: one in front of the gateway, as documented, and one in front of the provider.</summary>
    private sealed class Proxied(ProxiedWorld gateway, ReverseProxy provider) : IAsyncDisposable
    {
        public ProxiedWorld Gateway => gateway;

        public World World => gateway.World;

        public static async Task<Proxied> StartAsync(int groups, bool claimsInTokens)
        {
            ProxiedWorld gateway = await ProxiedWorld.StartAsync(RealPart.Nginx, configure: options =>
            {
                options.StartGateway = false;
                options.Provider = given => With(given, groups, claimsInTokens);
            });
            DevelopmentProvider provider = gateway.World.Provider;
            ReverseProxy front = await ReverseProxy.StartNginxWithDefaultsAsync(World.FreePort(), provider.Address.Port);
            Uri discovery = new UriBuilder(provider.DiscoveryUrl) { Port = front.Port }.Uri;
            gateway.World.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
                ProvidersSetting.Of(discovery, "authentik", provider.Options.ClientId, provider.Options.ClientSecret));
            gateway.World.StartGateway();
            return new Proxied(gateway, front);
        }

        public async ValueTask DisposeAsync()
        {
            await provider.DisposeAsync();
            await gateway.DisposeAsync();
        }
    }
}
