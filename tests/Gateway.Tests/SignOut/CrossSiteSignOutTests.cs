using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignOut;

public sealed partial class CrossSiteSignOutTests
{
    public static TheoryData<string, string, string> Foreigners => new()
    {
        { "GET", "Sec-Fetch-Site", "cross-site" },
        { "POST", "Sec-Fetch-Site", "cross-site" },
        { "POST", "Sec-Fetch-Site", "same-site" },
        { "POST", "Origin", "https://evil.example" },
        { "POST", "Origin", "null" },
        { "GET", "Referer", "https://evil.example/page" },
        { "GET", "Accept", "text/html" },
    };

    [Theory]
    [MemberData(nameof(Foreigners))]
    public async Task Another_site_can_only_make_the_gateway_ask(string method, string header, string value)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.SendAsync(new HttpMethod(method), "/accounts/logout/", null, ("Accept", "text/html"), (header, value));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("<h1>Sign out?</h1>", page.Text, StringComparison.Ordinal);
        Assert.Empty(page.SetCookies);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Paperless.Data.Sessions);
    }

    [Theory]
    [InlineData("GET", "Sec-Fetch-Site", "same-site")]
    [InlineData("GET", "Sec-Fetch-Site", "none")]
    [InlineData("GET", "Referer", "{origin}/dashboard")]
    [InlineData("POST", "Origin", "{origin}")]
    [InlineData("POST", "Accept", "*/*")]
    public async Task What_a_person_does_here_is_not_asked_about(string method, string header, string value)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.SendAsync(new HttpMethod(method), "/accounts/logout/", null, (header, value.Replace("{origin}", world.Origin, StringComparison.Ordinal)));

        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/docs")]
    public async Task The_page_that_asks_signs_out_by_its_button(string scriptName)
    {
        await using World world = await World.StartAsync(options => options.ScriptName = scriptName);
        using Visitor alice = await world.SignedInAsync("alice", scriptName + "/");
        Page asks = await alice.OpenAsync(scriptName + "/accounts/logout/", "cross-site");
        string action = FormAction().Match(asks.Text).Groups["action"].Value;
        Assert.Equal(scriptName + "/accounts/logout/", action);
        Assert.Contains($"""<a class="button quiet" href="{scriptName}/">Stay signed in</a>""", asks.Text, StringComparison.Ordinal);

        Page page = await alice.SendAsync(
            HttpMethod.Post, action, new FormUrlEncodedContent([]), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "navigate"), ("Origin", world.Origin));

        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.StartsWith(world.Provider.Address.AbsoluteUri, page.Location!.AbsoluteUri, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task The_form_may_be_led_on_to_the_provider_also_when_the_gateway_has_just_started()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.RestartGatewayAsync();

        Page asks = await alice.OpenAsync("/accounts/logout/", "cross-site");

        Assert.Contains($"form-action 'self' {world.Provider.Address.GetLeftPart(UriPartial.Authority)};", asks.Header("Content-Security-Policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_form_may_be_led_on_to_an_address_of_the_operators()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_LOGOUT_REDIRECT_URL"] = "https://intranet.example:8443/bye");
        using Visitor alice = await world.SignedInAsync("alice");

        Page asks = await alice.OpenAsync("/accounts/logout/", "cross-site");

        Assert.Contains(" https://intranet.example:8443", asks.Header("Content-Security-Policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stranger_from_another_site_is_shown_the_signed_out_page()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/logout/", "cross-site");

        Assert.Equal("/accounts/login/?loggedout=1", page.Location!.PathAndQuery);
    }

    [Fact]
    public async Task A_post_that_comes_without_the_cookie_is_asked_about_with_it()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor withoutCookie = world.NewVisitor();

        // As browsers do: SameSite=Lax keeps the cookie back from the POST, and lets it go with the GET after.
        Page post = await withoutCookie.SendAsync(HttpMethod.Post, "/accounts/logout/", null, ("Sec-Fetch-Site", "cross-site"), ("Accept", "text/html"));
        Page get = await alice.OpenAsync(post.Location!.AbsoluteUri, "cross-site");
        Page stranger = await withoutCookie.OpenAsync(post.Location.AbsoluteUri, "cross-site");

        Assert.Equal((HttpStatusCode.SeeOther, "/accounts/logout/"), (post.Status, post.Location.PathAndQuery));
        Assert.Contains("<h1>Sign out?</h1>", get.Text, StringComparison.Ordinal);
        Assert.Equal("/accounts/login/?loggedout=1", stranger.Location!.PathAndQuery);
    }

    [GeneratedRegex("""<form method="post" action="(?<action>[^"]*)">""")]
    private static partial Regex FormAction();
}
