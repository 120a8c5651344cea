using System.Net;
using CsCheck;
using Gateway.Access;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

public sealed class SignInPageTests
{
    [Fact]
    public async Task The_sign_in_page_keeps_the_return_address_and_is_never_cached_or_framed()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/login/?next=%2Fdocuments%3Fquery%3DM%25C3%25BCller%26page%3D2");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("href=\"/accounts/oidc/authentik/login/?next=%2Fdocuments%3Fquery%3DM%25C3%25BCller%26page%3D2\"", page.Text, StringComparison.Ordinal);
        Assert.Contains("Sign in with authentik", page.Text, StringComparison.Ordinal);
        Assert.Equal("no-store", page.Header("Cache-Control"));
        Assert.Equal("DENY", page.Header("X-Frame-Options"));
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("\\\\evil.example/")]
    [InlineData("/\t/evil.example/")]
    [InlineData("/\n/evil.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("evil")]
    [InlineData("")]
    [InlineData("/accounts/login/")]
    [InlineData("/accounts/logout/")]
    [InlineData("/Accounts/logout/?next=/")]
    [InlineData("/accounts/oidc/authentik/login/callback/?code=x")]
    public async Task A_return_address_that_is_no_page_of_the_gateway_leads_to_the_front_page(string next)
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor, next)).CompleteAsync();

        Assert.Equal((HttpStatusCode.OK, world.Origin + "/"), (page.Status, page.Address.AbsoluteUri));
        Page already = await visitor.OpenAsync($"/accounts/login/?next={Uri.EscapeDataString(next)}");
        Assert.Equal(world.Origin + "/", already.Location?.AbsoluteUri);
    }

    [Theory]
    [InlineData("/documents?query=Müller")]
    [InlineData("/documents?query=日本")]
    [InlineData("/dokumente/ü")]
    public async Task A_return_address_with_non_ASCII_letters_is_followed(string next)
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor, next)).CompleteAsync();

        Assert.Equal((HttpStatusCode.OK, new Uri(world.Origin + next).PathAndQuery), (page.Status, page.Address.PathAndQuery));
    }

    [Fact]
    public async Task Below_a_script_name_the_sign_in_links_and_redirects_stay_below_it()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/paperless");
        using Visitor visitor = world.NewVisitor();
        Page door = await visitor.NavigateAsync("/paperless/documents/2");
        Assert.Equal("/paperless/accounts/login/?next=%2Fpaperless%2Fdocuments%2F2", door.Address.PathAndQuery);

        Page page = await visitor.SignInAsync("alice", "/paperless/documents/2");
        Assert.Equal((HttpStatusCode.OK, "/paperless/documents/2"), (page.Status, page.Address.PathAndQuery));

        Page elsewhere = await visitor.OpenAsync("/paperless/accounts/login/?next=%2Fother");
        Assert.Equal("/paperless/", elsewhere.Location?.PathAndQuery);
    }

    [Fact]
    public async Task With_REDIRECT_LOGIN_TO_SSO_the_sign_in_page_redirects_to_the_provider_but_not_after_a_logout()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_REDIRECT_LOGIN_TO_SSO"] = "true");
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        foreach (string notice in (string[])["loggedout=1", "sharelink_notfound=1", "sharelink_expired=1"])
        {
            Page waits = await visitor.OpenAsync("/accounts/login/?" + notice);
            Assert.Equal(HttpStatusCode.OK, waits.Status);
            Assert.Contains("Sign in with authentik", waits.Text, StringComparison.Ordinal);
        }

        Page page = await visitor.NavigateAsync("/documents/2");
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public void A_return_address_is_always_a_path_of_the_gateway() => Check.Sample(
        Gen.OneOf(Gen.String, Gen.String[Gen.Char["/\\.:?#@%\t\r\n aA2é\u2028"], 0, 12]).Select(text => "/" + text),
        next =>
        {
            string local = ReturnAddress.SafeOrFrontPage(next, "");
            Uri resolved = new(new Uri("https://docs.example.com/accounts/login/"), local);
            Assert.Equal("https://docs.example.com", resolved.GetLeftPart(UriPartial.Authority));
            Assert.True(
                local[0] == '/' && !local.StartsWith("//", StringComparison.Ordinal) && local.All(letter => letter is > ' ' and < '\u007f' and not '\\'),
                local);
        },
        iter: 20_000);
}
