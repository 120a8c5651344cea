using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

public sealed class SessionCookieTests
{
    [Theory]
    [InlineData(false, "paperless-gateway")]
    [InlineData(true, "__Host-paperless-gateway")]
    public async Task The_session_cookie_has_256_random_bits_is_HttpOnly_and_valid_for_this_host_only(bool https, string name)
    {
        await using World world = await World.StartAsync(options => options.Https = https);
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);

        Page answer = await visitor.OpenAsync(await tab.AnswerAsync(), "cross-site");

        string cookie = Assert.Single(answer.SetCookies, cookie => cookie.StartsWith(name + "=", StringComparison.Ordinal));
        string[] parts = cookie.Split("; ");
        Assert.Equal(name.Length + 1 + 43, parts[0].Length);
        Assert.Equal(
            (string[])["httponly", "max-age=1814400", "path=/", "samesite=lax", .. https ? (string[])["secure"] : []],
            parts.Skip(1).Select(part => part.ToLowerInvariant()).Order(StringComparer.Ordinal));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
    }

    [Fact]
    public async Task Each_sign_in_gets_a_new_session_id_and_the_previous_one_is_invalid()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = await world.SignedInAsync("alice");
        string before = visitor.Cookie(SignedIn.CookieName)!;
        world.Clock.Advance(TimeSpan.FromSeconds(1));

        await (await RoundTrip.BeginAsync(visitor, more: "&prompt=login")).CompleteAsync();

        string after = visitor.Cookie(SignedIn.CookieName)!;
        Assert.NotEqual(before, after);
        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.Null(await WhoHasAsync(world, before));
        await world.RestartGatewayAsync();
        Assert.Null(await WhoHasAsync(world, before));
        Assert.Equal("alice", await WhoHasAsync(world, after));
    }

    /// <summary>An id that the browser brought along is never taken over (session fixation).</summary>
    [Fact]
    public async Task A_session_id_set_before_the_sign_in_is_not_kept()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        string planted = new('A', 43);
        visitor.Cookies.Add(new Uri(world.Origin), new Cookie(SignedIn.CookieName, planted, "/"));

        await visitor.SignInAsync("alice");

        Assert.NotEqual(planted, visitor.Cookie(SignedIn.CookieName));
        Assert.Null(await WhoHasAsync(world, planted));
    }

    [Fact]
    public async Task A_tampered_unknown_or_malformed_session_cookie_counts_as_no_session()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        string good = visitor.Cookie(SignedIn.CookieName)!;
        string[] bad =
        [
            (good[0] == 'A' ? 'B' : 'A') + good[1..],
            good[..20] + (good[20] == 'A' ? 'B' : 'A') + good[21..],
            good[..^1],
            good + "A",
            good.ToUpperInvariant(),
            new string('A', 43),
            new string('!', 43),
            new string('+', 43),
            new string('=', 43),
            new string('ü', 43),
            good[..42] + "=",
            good[..41] + "%3",
            " " + good[1..],
            good[..21] + " " + good[22..],
            "\"" + good[1..^1] + "\"",
            "",
        ];
        using Visitor anonymous = world.NewVisitor();
        foreach (string value in bad)
        {
            Page page = await anonymous.FetchAsync(HttpMethod.Get, "/gateway/session", null, ("Cookie", $"{SignedIn.CookieName}={value}"));
            Assert.True(page.Status == HttpStatusCode.Unauthorized, $"{(int)page.Status} for {value}");
        }

        foreach (string header in (string[])[$"x{SignedIn.CookieName}={good}", $"__Host-{SignedIn.CookieName}={good}",
            $"{SignedIn.CookieName.ToUpperInvariant()}={good}", $"{SignedIn.CookieName} ={good}", ";;;=;=;", "a"])
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await anonymous.FetchAsync(HttpMethod.Get, "/gateway/session", null, ("Cookie", header))).Status);
        }

        foreach (string header in (string[])[$"a=b; {SignedIn.CookieName}={good}", $"a=b;{SignedIn.CookieName}={good};c=d",
            $"{SignedIn.CookieName}=short; {SignedIn.CookieName}={good}"])
        {
            Assert.Equal(HttpStatusCode.OK, (await anonymous.FetchAsync(HttpMethod.Get, "/gateway/session", null, ("Cookie", header))).Status);
        }
    }

    private static async Task<string?> WhoHasAsync(World world, string cookie)
    {
        using Visitor visitor = world.NewVisitor();
        visitor.Cookies.Add(new Uri(world.Origin), new Cookie(SignedIn.CookieName, cookie, "/"));
        return await visitor.WhoAsync();
    }
}
