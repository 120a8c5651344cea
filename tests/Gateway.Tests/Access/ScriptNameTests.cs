using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>Below a script name, the addresses at the root that Paperless names lead to their place.</summary>
public sealed class ScriptNameTests
{
    [Fact]
    public async Task The_logout_after_a_password_change_signs_out_below_a_script_name()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor alice = await world.SignedInAsync("alice", "/docs/");

        Page page = await alice.NavigateAsync("/accounts/logout/?next=/accounts/login/?next=/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.StartsWith("/docs/accounts/login/?loggedout=1", page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Empty(world.Provider.Sessions);
    }

    [Theory]
    [InlineData("unknown", "This share link was not found.")]
    [InlineData("expired", "This share link has expired.")]
    public async Task A_share_link_that_is_not_valid_shows_its_notice_below_a_script_name(string slug, string notice)
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        world.Paperless.Data.AddShareLink("expired", 1, world.Clock.GetUtcNow().AddDays(-1));
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.NavigateAsync($"/docs/share/{slug}");

        Assert.Equal((HttpStatusCode.OK, "/docs/accounts/login/"), (page.Status, page.Address.AbsolutePath));
        Assert.Contains(notice, page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_site_signs_nobody_out_by_an_address_at_the_root()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor alice = await world.SignedInAsync("alice", "/docs/");

        await alice.NavigateAsync("/accounts/logout/", "cross-site");

        Assert.Single(world.Provider.Sessions);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/docs/gateway/session")).Status);
    }

    [Theory]
    [InlineData("GET", "/api/documents/")]
    [InlineData("GET", "/accounts/password/reset/")]
    [InlineData("GET", "/accounts/logout/x")]
    [InlineData("POST", "/accounts/logout/")]
    [InlineData("POST", "/accounts/login/")]
    public async Task Other_addresses_at_the_root_stay_404(string method, string path)
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor alice = await world.SignedInAsync("alice", "/docs/");

        Page page = await alice.FetchAsync(new HttpMethod(method), path);

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
    }
}
