using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

/// <summary>Unfinished sign-ins must not fill the `Cookie` header of the browser beyond the limit of web servers.</summary>
public sealed partial class CorrelationCookieTests
{
    private const int MostUnderWay = 8;
    private const int LongestHeader = 4096;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_hundred_unfinished_sign_ins_the_browser_has_eight_cookies_and_the_last_sign_in_completes(bool https)
    {
        await using World world = await World.StartAsync(options => options.Https = https);
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = Browser(world);
        RoundTrip? last = null;
        for (int tab = 1; tab <= 100; tab++)
        {
            last = await RoundTrip.BeginAsync(visitor, $"/documents/{tab % 3}");
            world.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(Correlations(world, visitor).Length <= MostUnderWay, $"{tab} beginnings left {string.Join(' ', Correlations(world, visitor))}");
        }

        string callback = await last!.AnswerAsync();
        int header = CookieHeader(world, visitor, callback).Length;
        TestContext.Current.TestOutputHelper?.WriteLine($"the Cookie header at the callback: {header} bytes");
        Assert.InRange(header, 1, LongestHeader);
        Page page = await last.FinishAsync(callback);

        Assert.Equal((HttpStatusCode.OK, "/documents/1"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal(2, page.Trail.Count);
        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.Equal(MostUnderWay - 1, Correlations(world, visitor).Length);
    }

    [Fact]
    public async Task Concurrently_started_sign_ins_keep_cookies_below_4_KB_and_the_next_one_leaves_eight()
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        world.Provider.SignsInAs = "alice";
        using Visitor parallel = Browser(world);
        using Visitor visitor = Browser(world);
        for (int tab = 1; tab <= 300; tab++)
        {
            // Each begins before the browser has the cookie of any other.
            parallel.Forget("correlation");
            RoundTrip trip = await RoundTrip.BeginAsync(parallel);
            foreach (string cookie in trip.Begun.SetCookies)
            {
                visitor.Cookies.SetCookies(new Uri(world.Origin), cookie);
            }
        }

        int full = CookieHeader(world, visitor, "/accounts/oidc/authentik/login/callback/").Length;
        TestContext.Current.TestOutputHelper?.WriteLine($"{Correlations(world, visitor).Length} cookies, {full} bytes");
        Assert.InRange(full, 1, LongestHeader);
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        RoundTrip next = await RoundTrip.BeginAsync(visitor, "/documents/2");

        Assert.Equal(MostUnderWay, Correlations(world, visitor).Length);
        Page page = await next.CompleteAsync();
        Assert.Equal((HttpStatusCode.OK, "/documents/2", 2), (page.Status, page.Address.PathAndQuery, page.Trail.Count));
    }

    [Fact]
    public async Task A_sign_in_whose_cookie_was_evicted_restarts_once_and_completes()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = Browser(world);
        RoundTrip oldest = await RoundTrip.BeginAsync(visitor, "/documents/1");
        string callback = await oldest.AnswerAsync();
        for (int tab = 0; tab < MostUnderWay; tab++)
        {
            world.Clock.Advance(TimeSpan.FromSeconds(1));
            await RoundTrip.BeginAsync(visitor, "/documents/2");
        }

        Page page = await oldest.FinishAsync(callback);

        Assert.Equal((HttpStatusCode.OK, "/documents/1"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F1&again=1", page.Trail[1].PathAndQuery);
        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.Single(world.Log.Of("SignInRestarted"));
    }

    [Fact]
    public async Task The_eight_newest_of_nine_concurrent_sign_ins_complete_without_a_restart()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = Browser(world);
        List<(RoundTrip Trip, string Callback)> tabs = [];
        for (int tab = 0; tab <= MostUnderWay; tab++)
        {
            RoundTrip trip = await RoundTrip.BeginAsync(visitor, "/documents/2");
            tabs.Add((trip, await trip.AnswerAsync()));
            world.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        foreach ((RoundTrip trip, string callback) in tabs.Skip(1))
        {
            Page page = await trip.FinishAsync(callback);
            Assert.Equal((HttpStatusCode.OK, 2), (page.Status, page.Trail.Count));
        }

        Assert.Empty(world.Log.Of("SignInRestarted"));
        Assert.Empty(Correlations(world, visitor));
    }

    [Fact]
    public async Task Unfinished_silent_authentications_leave_no_more_cookies_than_sign_ins()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        alice.Cookies.PerDomainCapacity = 200;
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        for (int tab = 0; tab < 2 * MostUnderWay; tab++)
        {
            await RoundTrip.BeginAsync(alice, more: "&prompt=login");
            world.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Page silent = await alice.OpenAsync("/documents/2");

        Assert.Contains("prompt=none", silent.Location?.Query, StringComparison.Ordinal);
        Assert.Equal(MostUnderWay, Correlations(world, alice).Length);
        Assert.Equal("/documents/2", (await alice.NavigateAsync(silent.Location!.AbsoluteUri)).Address.PathAndQuery);
        Assert.Empty(world.Log.Of("SilentAuthenticationWithoutAnswer"));
        Assert.Equal(MostUnderWay - 1, Correlations(world, alice).Length);
        for (int hour = 0; hour < 20; hour++)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(61));
            Assert.Equal(HttpStatusCode.Redirect, (await alice.OpenAsync("/documents/2")).Status);
            Assert.Single(Correlations(world, alice));
        }
    }

    [Fact]
    public async Task A_sign_in_that_took_over_half_an_hour_restarts_even_if_the_browser_kept_the_cookie()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = Browser(world);
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        world.Clock.Advance(TimeSpan.FromMinutes(31));
        string callback = await tab.AnswerAsync();

        Page page = await tab.FinishAsync(callback);

        Assert.Equal("/documents/2", page.Address.PathAndQuery);
        Assert.Single(world.Log.Of("SignInRestarted"));
    }

    [Theory]
    [InlineData("$name=$value", true)]
    [InlineData("a=b;$name=$value ;c", true)]
    [InlineData("$name=$value; $name=$value", false)]
    [InlineData("$name=$value; $name=", false)]
    [InlineData("$name=x; $name=$value", false)]
    [InlineData("$name=", false)]
    [InlineData("$name", false)]
    [InlineData("$name=$valueA", false)]
    [InlineData("$name=!$value", false)]
    [InlineData("$name=\"$value\"", false)]
    [InlineData("$name =$value", false)]
    [InlineData("PAPERLESS-GATEWAY-CORRELATION-0=$value", false)]
    [InlineData("paperless-gateway-correlation-=$value", false)]
    [InlineData("paperless-gateway-correlation-z=$value", false)]
    public async Task A_malformed_or_duplicated_correlation_cookie_counts_as_missing(string header, bool counts)
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = Browser(world);
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        string callback = await tab.AnswerAsync();
        string[] cookie = Assert.Single(Correlations(tab.Begun)).Split('=');
        using Visitor other = world.NewVisitor();

        string sent = header.Replace("$name", cookie[0], StringComparison.Ordinal).Replace("$value", cookie[1], StringComparison.Ordinal);
        Page page = await other.OpenAsync(callback, "cross-site", ("Cookie", sent));

        Assert.Equal(HttpStatusCode.Redirect, page.Status);
        Assert.Equal(counts ? "/documents/2" : "/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2&again=1", page.Location?.PathAndQuery);
        Assert.Equal(counts, page.SetCookies.Any(set => set.StartsWith("paperless-gateway=", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Too_many_malformed_correlation_cookies_are_deleted_and_do_not_block_the_sign_in()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = Browser(world);
        foreach (char slot in "0123456789abcdefghijklmnopqrstuv")
        {
            visitor.Cookies.Add(new Uri(world.Origin), new Cookie($"paperless-gateway-correlation-{slot}", "x", "/"));
        }

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");

        Assert.Single(Correlations(world, visitor));
        Assert.Equal("/documents/2", (await tab.CompleteAsync()).Address.PathAndQuery);
        Assert.Empty(world.Log.Of("SignInRestarted"));
    }

    [Fact]
    public async Task A_return_address_of_2000_characters_keeps_the_callback_URL_well_below_the_limit()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = Browser(world);
        string next = "/documents?query=".PadRight(2000, 'x');
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, next);

        string callback = await tab.AnswerAsync();

        TestContext.Current.TestOutputHelper?
            .WriteLine($"the callback: {callback.Length} characters, {tab.Query["state"].ToString().Length} of them the state");
        Assert.InRange(callback.Length, next.Length, 5000);
        Assert.Equal(next, (await tab.FinishAsync(callback)).Address.PathAndQuery);
    }

    [Fact]
    public async Task The_redirect_URI_comes_from_the_settings_whatever_host_the_request_names()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "*");

        string ours = await BeginAtAsync(world, $"LocalHost:{world.Port}");
        string other = await BeginAtAsync(world, "evil.example");

        string expected = Uri.EscapeDataString($"{world.Origin}/accounts/oidc/authentik/login/callback/");
        Assert.Contains($"redirect_uri={expected}", LocationHeader().Match(ours).Groups[1].Value, StringComparison.Ordinal);
        Assert.DoesNotContain("redirect_uri", other, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", other, StringComparison.Ordinal);
    }

    private static Task<string> BeginAtAsync(World world, string host) => Kit.RawConnection.AskAsync(
        world,
        $"GET /accounts/oidc/authentik/login/ HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: "
            + "document\r\nConnection: close\r\n\r\n");

    /// <summary>A browser that keeps as many cookies of one host as Chromium does; .NET's own limit is 20.</summary>
    private static Visitor Browser(World world)
    {
        Visitor visitor = world.NewVisitor();
        visitor.Cookies.PerDomainCapacity = 180;
        return visitor;
    }

    private static string CookieHeader(World world, Visitor visitor, string path) => visitor.Cookies.GetCookieHeader(new Uri(world.Origin + path));

    /// <summary>`name=value` of each cookie of a round trip.</summary>
    private static string[] Correlations(World world, Visitor visitor) =>
        [.. CookieHeader(world, visitor, "/accounts/oidc/authentik/login/callback/").Split("; ")
            .Where(pair => pair.Contains("correlation", StringComparison.Ordinal))];

    /// <summary>The same of the cookies that a beginning set.</summary>
    private static string[] Correlations(Page begun) =>
        [.. begun.SetCookies.Where(cookie => cookie.Contains("correlation", StringComparison.Ordinal)).Select(cookie => cookie.Split(';')[0])];

    [GeneratedRegex("\r\nLocation: (.*)\r\n")]
    private static partial Regex LocationHeader();
}
