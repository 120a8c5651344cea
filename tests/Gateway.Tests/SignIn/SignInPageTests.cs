using System.Net;
using CsCheck;
using Gateway.Access;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

public sealed class SignInPageTests
{
    [Fact]
    public async Task The_page_carries_where_the_person_was_going_and_is_never_kept_or_framed()
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
    public async Task A_next_that_is_no_page_of_this_gateway_leads_to_the_front(string next)
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
    public async Task A_next_with_letters_beyond_ASCII_leads_there(string next)
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor, next)).CompleteAsync();

        Assert.Equal((HttpStatusCode.OK, new Uri(world.Origin + next).PathAndQuery), (page.Status, page.Address.PathAndQuery));
    }

    [Fact]
    public async Task Below_a_script_name_everything_stays_below_it()
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
    public async Task With_REDIRECT_LOGIN_TO_SSO_the_page_goes_straight_to_the_provider_but_never_after_a_logout()
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
    public void A_return_address_is_always_a_path_of_this_gateway() => Check.Sample(
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
