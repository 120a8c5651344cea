using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Tests.SignIn;

/// <summary>Sign-ins that begin at the provider (OpenID Connect Core 1.0, section 4).</summary>
public sealed class ThirdPartyLoginTests
{
    private const string Path = "/accounts/oidc/authentik/login/";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sign_in_that_begins_at_the_provider_passes_the_hint_on_and_leads_to_the_target(bool isPost)
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        Page begun = await BeginAsync(world, visitor, isPost, ("login_hint", "alice@example.com"), ("target_link_uri", world.Origin + "/documents/2?x=1"));
        Page page = await visitor.NavigateAsync(begun.Location!.AbsoluteUri, "cross-site");

        Assert.Equal("alice@example.com", QueryHelpers.ParseQuery(begun.Location!.Query)["login_hint"]);
        Assert.Equal((HttpStatusCode.OK, "/documents/2?x=1"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("https://evil.example/documents/2")]
    [InlineData("//evil.example/")]
    [InlineData("/accounts/logout/")]
    [InlineData("ORIGIN.evil.example/documents/2")]
    [InlineData("ORIGIN@evil.example/")]
    [InlineData("ORIGIN//evil.example/")]
    [InlineData("ORIGIN")]
    [InlineData("javascript:alert(1)")]
    [InlineData("")]
    public async Task A_target_that_is_not_a_page_of_this_gateway_leads_to_the_front_page(string target)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor visitor = world.NewVisitor();
        string address = target.Replace("ORIGIN", world.Origin, StringComparison.Ordinal);

        Page there = await BeginAsync(world, alice, isPost: false, ("target_link_uri", address));
        Page begun = await BeginAsync(world, visitor, isPost: false, ("target_link_uri", address), ("next", "/documents/2"));
        world.Provider.SignsInAs = "alice";
        Page page = await visitor.NavigateAsync(begun.Location!.AbsoluteUri, "cross-site");

        Assert.Equal(world.Origin + "/", there.Location!.AbsoluteUri);
        Assert.Equal((HttpStatusCode.OK, world.Origin + "/"), (page.Status, page.Address.AbsoluteUri));
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("")]
    [InlineData("ISSUERmore")]
    [InlineData("ISSUER&iss=ISSUER")]
    public async Task Another_issuer_begins_no_sign_in(string issuer)
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        string named = issuer.Replace("ISSUER", Uri.EscapeDataString(world.Provider.Issuer.AbsoluteUri), StringComparison.Ordinal);
        Page page = await visitor.OpenAsync($"{Path}?iss={named}&target_link_uri=/documents/2", "cross-site");

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Contains("belongs to another provider", page.Text, StringComparison.Ordinal);
        Assert.Empty(page.SetCookies);
        Assert.Equal("other_issuer", CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Code"));
    }

    [Fact]
    public async Task A_hint_is_passed_on_only_if_it_is_short_and_belongs_to_a_sign_in_that_begins_at_the_provider()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page tooLong = await BeginAsync(world, visitor, isPost: false, ("login_hint", new string('a', 256)));
        Page control = await BeginAsync(world, visitor, isPost: false, ("login_hint", "a\nb"));
        Page ordinary = await visitor.OpenAsync(Path + "?login_hint=alice", "cross-site");

        Assert.All([tooLong, control, ordinary], page => Assert.Equal(HttpStatusCode.Redirect, page.Status));
        Assert.All([tooLong, control, ordinary], page => Assert.DoesNotContain("login_hint", page.Location!.Query, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pushed_request_carries_the_hint_and_another_site_begins_no_Connect()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { PushedRequests = PushedRequests.Required });
        using Visitor visitor = world.NewVisitor();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.ClearReceived();

        await BeginAsync(world, visitor, isPost: false, ("login_hint", "bob"));
        Page connect = await BeginAsync(world, alice, isPost: false, ("process", "connect"));

        Assert.Equal("bob", Assert.Single(world.Provider.Received, request => request.Path == "/application/o/par/").Form["login_hint"]);
        Assert.Equal(HttpStatusCode.Forbidden, connect.Status);
    }

    [Fact]
    public async Task A_form_of_the_provider_leads_somebody_who_is_signed_in_to_the_target_without_a_sign_in()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await BeginAsync(world, alice, isPost: true, ("login_hint", "bob"), ("target_link_uri", world.Origin + "/documents/2"));

        Assert.Equal(world.Origin + "/documents/2", page.Location!.AbsoluteUri);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    /// <summary>As a link or a form on a page of the provider. The browser sends a form on by GET.</summary>
    private static async Task<Page> BeginAsync(World world, Visitor visitor, bool isPost, params (string Name, string Value)[] parameters)
    {
        Dictionary<string, string?> all = new() { ["iss"] = world.Provider.Issuer.AbsoluteUri };
        foreach ((string name, string value) in parameters)
        {
            all[name] = value;
        }

        if (!isPost)
        {
            return await visitor.OpenAsync(QueryHelpers.AddQueryString(Path, all), "cross-site");
        }

        Page sent = await visitor.SendAsync(
            HttpMethod.Post,
            Path,
            new FormUrlEncodedContent(all),
            ("Origin", world.Provider.Address.GetLeftPart(UriPartial.Authority)),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"));
        Assert.Equal(HttpStatusCode.SeeOther, sent.Status);
        return await visitor.OpenAsync(sent.Location!.OriginalString, "cross-site");
    }
}
