using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Pages;

public sealed partial class SignInPageTests
{
    [Fact]
    public async Task The_sign_in_page_has_a_button_that_keeps_the_return_address()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/?next=%2Fdocuments%2F2%3Fq%3D1");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        GatewayPages.IsOne(page, "Sign in");
        Assert.Equal(["Sign in with authentik → /accounts/oidc/authentik/login/?next=%2Fdocuments%2F2%3Fq%3D1"], Ways(page));
        Assert.Empty(page.SetCookies);
    }

    [Theory]
    [InlineData("loggedout=1", "Signed out", "You are signed out of Paperless.")]
    [InlineData("sharelink_notfound=1", "Sign in", "This share link was not found.")]
    [InlineData("sharelink_expired=1", "Sign in", "This share link has expired.")]
    public async Task The_sign_in_page_says_why_it_is_shown_and_waits_for_a_click(string query, string title, string notice)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_REDIRECT_LOGIN_TO_SSO"] = "true");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/?" + query);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        GatewayPages.IsOne(page, title);
        Assert.Contains($"""<p role="status">{notice}""", page.Text, StringComparison.Ordinal);
        Assert.Single(Ways(page));
    }

    [Fact]
    public async Task An_expired_share_link_leads_to_the_sign_in_page_with_a_notice()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddShareLink("old", 1, world.Clock.GetUtcNow() - TimeSpan.FromDays(1));
        using Visitor stranger = world.NewVisitor();

        Page unknown = await stranger.NavigateAsync("/share/nosuchlink");
        Page expired = await stranger.NavigateAsync("/share/old");

        Assert.Contains("This share link was not found.", unknown.Text, StringComparison.Ordinal);
        Assert.Contains("This share link has expired.", expired.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_sign_in_page_has_a_button_for_each_provider_and_escapes_their_names()
    {
        string longName = string.Join(' ', Enumerable.Repeat("Ministry of Very Long Names", 8));
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = Providers(
            ("authentik", "authentik"), ("long", longName), ("evil", """<script>alert(1)</script>" onclick="x""")));
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/");

        GatewayPages.IsOne(page, "Sign in");
        Assert.Equal(
            [
                "Sign in with authentik → /accounts/oidc/authentik/login/?next=%2F",
                $"Sign in with {longName} → /accounts/oidc/long/login/?next=%2F",
                """Sign in with <script>alert(1)</script>" onclick="x → /accounts/oidc/evil/login/?next=%2F""",
            ],
            Ways(page));
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("\"><script>alert(1)</script>")]
    [InlineData("/accounts/logout/")]
    public async Task A_return_address_outside_the_gateway_is_dropped_on_the_sign_in_page(string next)
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/?next=" + Uri.EscapeDataString(next));

        GatewayPages.IsOne(page, "Sign in");
        Assert.Equal(["Sign in with authentik → /accounts/oidc/authentik/login/?next=%2F"], Ways(page));
    }

    [Fact]
    public async Task HEAD_on_the_sign_in_page_has_the_headers_of_GET_and_no_body()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.SendAsync(HttpMethod.Head, "/accounts/login/", null, ("Accept", "text/html"));

        Assert.Equal((HttpStatusCode.OK, ""), (page.Status, page.Text));
        Assert.Contains("frame-ancestors 'none'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal("no-store", page.Header("Cache-Control"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/docs")]
    public async Task The_style_sheet_is_cacheable_for_ever_and_loads_nothing_from_other_sites(string scriptName)
    {
        await using World world = await World.StartAsync(options => options.ScriptName = scriptName);
        using Visitor stranger = world.NewVisitor();
        Page page = await stranger.OpenAsync(scriptName + "/accounts/login/");
        string address = StyleSheet().Match(page.Text).Groups["href"].Value;
        Assert.StartsWith(scriptName + "/gateway/assets/", address, StringComparison.Ordinal);

        Page sheet = await stranger.SendAsync(HttpMethod.Get, address);

        Assert.Equal(HttpStatusCode.OK, sheet.Status);
        Assert.Equal("text/css; charset=utf-8", sheet.Header("Content-Type"));
        Assert.Equal("public, max-age=31536000, immutable", sheet.Header("Cache-Control"));
        Assert.Equal("nosniff", sheet.Header("X-Content-Type-Options"));
        Assert.DoesNotContain("url(", sheet.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", sheet.Text, StringComparison.Ordinal);
    }

    public static string Providers(params (string Id, string Name)[] providers) => System.Text.Json.JsonSerializer.Serialize(new
    {
        openid_connect = new
        {
            APPS = providers.Select(provider => new
            {
                provider_id = provider.Id,
                name = provider.Name,
                client_id = "paperless",
                secret = "secret",
                settings = new { server_url = $"http://127.0.0.1:9/application/o/{provider.Id}/.well-known/openid-configuration" },
            }),
        },
    });

    private static string[] Ways(Page page) =>
        [.. Buttons().Matches(page.Text).Select(way => WebUtility.HtmlDecode($"{way.Groups["text"].Value} → {way.Groups["href"].Value}"))];

    [GeneratedRegex("<a class=\"button\" href=\"(?<href>[^\"]*)\">(?<text>[^<]*)</a>")]
    private static partial Regex Buttons();

    [GeneratedRegex("<link rel=\"stylesheet\" href=\"(?<href>[^\"]*)\"")]
    private static partial Regex StyleSheet();
}
