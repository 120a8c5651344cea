using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignOut;

/// <summary>Only the person signs out: another site, an image, a frame or a script at most gets a confirmation page.</summary>
public sealed partial class CrossSiteSignOutTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private static readonly (string Name, string Value)[] Navigation
        = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];

    public static TheoryData<string, string, string> Foreigners => new()
    {
        { "GET", "Sec-Fetch-Site", "same-site" },
        { "GET", "Sec-Fetch-Site", "cross-site" },
        { "POST", "Sec-Fetch-Site", "cross-site" },
        { "POST", "Sec-Fetch-Site", "same-site" },
        { "POST", "Origin", "https://evil.example" },
        { "POST", "Origin", "null" },
        { "POST", "Referer", "https://evil.example/page" },
        { "POST", "Sec-Fetch-Site", "none" },
        { "GET", "Referer", "https://evil.example/page" },
        { "GET", "Referer", "{origin}.evil.example/page" },
        { "GET", "Origin", "{origin}" },
        { "GET", "Accept", "text/html" },
    };

    [Theory]
    [MemberData(nameof(Foreigners))]
    public async Task A_cross_site_sign_out_is_only_offered_as_a_question(string method, string header, string value)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.SendAsync(
            new HttpMethod(method),
            "/accounts/logout/",
            null,
            ("Accept", "text/html"),
            (header, value.Replace("{origin}", world.Origin, StringComparison.Ordinal)));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("<h1>Sign out?</h1>", page.Text, StringComparison.Ordinal);
        Assert.Empty(page.SetCookies);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Paperless.Data.Sessions);
    }

    [Theory]
    [InlineData("same-origin")]
    [InlineData("none")]
    public async Task A_same_origin_link_or_a_typed_address_signs_out_immediately(string site)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.OpenAsync("/accounts/logout/", site);

        await IsSignedOutAsync(alice, page);
    }

    /// <summary>To a plain http origin browsers send no fetch metadata.</summary>
    [Fact]
    public async Task A_sign_out_without_fetch_metadata_is_judged_by_its_Referer()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.SendAsync(HttpMethod.Get, "/accounts/logout/", null, ("Accept", "text/html"), ("Referer", world.Origin + "/dashboard"));

        await IsSignedOutAsync(alice, page);
    }

    [Theory]
    [InlineData("Origin", "{origin}")]
    [InlineData("Referer", "{origin}/dashboard")]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    [InlineData("Accept", "*/*")]
    public async Task A_same_origin_POST_or_one_without_browser_headers_signs_out_immediately(string header, string value)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.SendAsync(
            HttpMethod.Post,
            "/accounts/logout/",
            null,
            (header, value.Replace("{origin}", world.Origin, StringComparison.Ordinal)));

        await IsSignedOutAsync(alice, page);
    }

    public static TheoryData<string, string, string, string, string> Background
    {
        get
        {
            TheoryData<string, string, string, string, string> rows = [];
            foreach (string path in (string[])["/accounts/logout/", "/accounts/logout", "/api/auth/logout/", "/api/auth/logout", "/admin/logout/",
                "/admin/logout"])
            {
                foreach (string site in (string[])["same-origin", "same-site", "none"])
                {
                    rows.Add("GET", path, site, "no-cors", "image");
                    rows.Add("GET", path, site, "navigate", "iframe");
                    rows.Add("GET", path, site, "cors", "empty");
                    rows.Add("HEAD", path, site, "cors", "empty");
                }

                // Without metadata an image still does not ask for a page.
                rows.Add("GET", path, "", "", "");
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Background))]
    public async Task An_image_a_frame_or_a_script_signs_nobody_out(string method, string path, string site, string mode, string destination)
    {
        World world = shared.World;
        using Visitor alice = await world.SignedInAsync("alice");
        int before = world.Log.Of("Refused").Count;
        (string, string)[] metadata = site.Length == 0 ? [] : [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", destination)];

        Page page = await alice.SendAsync(
            new HttpMethod(method),
            path,
            null,
            [("Accept", "image/avif,image/webp,*/*;q=0.8"), ("Referer", world.Origin + "/dashboard"), .. metadata]);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Empty(page.SetCookies);
        Assert.Equal("sign_out_in_background", CapturedLog.Value(Assert.Single(world.Log.Of("Refused").Skip(before)), "Code"));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task An_image_signs_nobody_out_below_a_script_name_either()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor alice = await world.SignedInAsync("alice", "/docs/");

        Page image = await alice.SendAsync(
            HttpMethod.Get,
            "/docs/accounts/logout/",
            null,
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "no-cors"),
            ("Sec-Fetch-Dest", "image"));

        Assert.Equal(HttpStatusCode.Forbidden, image.Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/docs/api/documents/")).Status);
    }

    [Fact]
    public async Task A_HEAD_request_signs_nobody_out()
    {
        using Visitor alice = await shared.World.SignedInAsync("alice");

        Page page = await alice.SendAsync(HttpMethod.Head, "/accounts/logout/", null, [("Sec-Fetch-Site", "same-origin"), .. Navigation]);

        Assert.Equal((HttpStatusCode.OK, ""), (page.Status, page.Text));
        Assert.Empty(page.SetCookies);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task While_the_store_is_unavailable_a_sign_out_is_not_reported_as_successful()
    {
        StoreWatch watch = new();
        await using World world = await World.StartAsync(options => options.Services = watch.Install);
        using Visitor somebody = world.NewVisitor();
        watch.Unavailable = "FindAsync";

        // The gateway has never seen this session: only the store could know it.
        Page page = await somebody.OpenAsync(
            "/accounts/logout/",
            "cross-site",
            ("Cookie", "paperless-gateway=" + Gateway.Sessions.SessionSecret.Create().ToCookieValue()));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("<h1>Sign out?</h1>", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cors", "empty", "same-origin")]
    [InlineData("no-cors", "image", "same-origin")]
    [InlineData("navigate", "iframe", "same-origin")]
    [InlineData("no-cors", "image", "cross-site")]
    [InlineData("", "", "")]
    public async Task Only_a_page_navigation_starts_a_sign_in_or_a_connect(string mode, string destination, string site)
    {
        using Visitor alice = await shared.World.SignedInAsync("alice");
        using Visitor stranger = shared.World.NewVisitor();
        (string, string)[] metadata = site.Length == 0 ? [] : [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", destination)];

        foreach (string query in (string[])["?process=connect", "?prompt=login", ""])
        {
            foreach (Visitor visitor in (Visitor[])[alice, stranger])
            {
                Page page = await visitor.SendAsync(
                    HttpMethod.Get,
                    "/accounts/oidc/authentik/login/" + query,
                    null,
                    [("Accept", "image/*"), ("Referer", shared.World.Origin + "/"), .. metadata]);

                Assert.Equal(HttpStatusCode.Forbidden, page.Status);
                Assert.Empty(page.SetCookies);
            }
        }
    }

    [Fact]
    public async Task A_link_on_another_site_can_start_a_sign_in()
    {
        using Visitor stranger = shared.World.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/oidc/authentik/login/", "cross-site");

        Assert.Equal((HttpStatusCode.Redirect, shared.World.Provider.Address.Authority), (page.Status, page.Location?.Authority));
    }

    [Theory]
    [InlineData("no-cors", "image")]
    [InlineData("cors", "empty")]
    public async Task A_front_channel_logout_works_in_a_frame_and_not_in_an_image(string mode, string destination)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string query = $"?iss={Uri.EscapeDataString(world.Provider.Issuer.AbsoluteUri)}&sid={world.Provider.Sessions[0].Sid}";

        Page page = await alice.SendAsync(
            HttpMethod.Get,
            "/accounts/oidc/authentik/logout/frontchannel/" + query,
            null,
            ("Sec-Fetch-Mode", mode),
            ("Sec-Fetch-Dest", destination),
            ("Sec-Fetch-Site", "cross-site"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/docs")]
    public async Task The_confirmation_page_of_the_sign_out_signs_out_by_its_button(string scriptName)
    {
        await using World world = await World.StartAsync(options => options.ScriptName = scriptName);
        using Visitor alice = await world.SignedInAsync("alice", scriptName + "/");
        Page asks = await alice.OpenAsync(scriptName + "/accounts/logout/", "cross-site");
        string action = FormAction().Match(asks.Text).Groups["action"].Value;
        Assert.Equal(scriptName + "/accounts/logout/", action);
        Assert.Contains($"""<a class="button quiet" href="{scriptName}/">Stay signed in</a>""", asks.Text, StringComparison.Ordinal);

        Page page = await alice.SendAsync(
            HttpMethod.Post, action, new FormUrlEncodedContent([]), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "navigate"), ("Origin", world
                .Origin));

        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.StartsWith(world.Provider.Address.AbsoluteUri, page.Location!.AbsoluteUri, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task The_form_of_the_sign_out_page_may_redirect_to_the_provider_even_right_after_a_start()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.RestartGatewayAsync();

        Page asks = await alice.OpenAsync("/accounts/logout/", "cross-site");

        Assert.Contains(
            $"form-action 'self' {world.Provider.Address.GetLeftPart(UriPartial.Authority)};",
            asks.Header("Content-Security-Policy"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_form_of_the_sign_out_page_may_redirect_to_the_configured_logout_address()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_LOGOUT_REDIRECT_URL"] = "https://intranet.example:8443/bye");
        using Visitor alice = await world.SignedInAsync("alice");

        Page asks = await alice.OpenAsync("/accounts/logout/", "cross-site");

        Assert.Contains(" https://intranet.example:8443", asks.Header("Content-Security-Policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cross_site_sign_out_without_a_session_shows_the_signed_out_page()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/logout/", "cross-site");

        Assert.Equal("/accounts/login/?loggedout=1", page.Location!.PathAndQuery);
    }

    [Fact]
    public async Task A_cross_site_POST_without_the_SameSite_cookie_leads_to_the_sign_out_confirmation()
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

    private static async Task IsSignedOutAsync(Visitor visitor, Page page)
    {
        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await visitor.FetchAsync("/api/documents/")).Status);
    }

    [GeneratedRegex("""<form method="post" action="(?<action>[^"]*)">""")]
    private static partial Regex FormAction();
}
