using System.Net;
using Gateway.Sessions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

public sealed class ConcurrentSignInTests
{
    [Theory]
    [InlineData("1234")]
    [InlineData("4321")]
    [InlineData("3142")]
    public async Task Four_concurrent_sign_ins_in_tabs_lead_to_their_own_pages_and_one_session(string order)
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        List<(RoundTrip Trip, string Callback)> tabs = [];
        for (int tab = 1; tab <= 4; tab++)
        {
            RoundTrip trip = await RoundTrip.BeginAsync(visitor, $"/documents/{tab}");
            tabs.Add((trip, await trip.AnswerAsync()));
        }

        world.Clock.Advance(TimeSpan.FromSeconds(3));
        HashSet<string?> cookies = [];
        foreach (char tab in order)
        {
            (RoundTrip trip, string callback) = tabs[tab - '1'];
            Page page = await trip.FinishAsync(callback);
            Assert.Equal((HttpStatusCode.OK, $"/documents/{tab}"), (page.Status, page.Address.PathAndQuery));
            cookies.Add(visitor.Cookie(SignedIn.CookieName));
        }

        Assert.Single(cookies);
        Assert.Single(Sessions(world));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task Four_concurrent_callbacks_all_lead_to_their_pages()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip[] tabs = [.. await Task.WhenAll(Enumerable.Range(1, 4).Select(tab => RoundTrip.BeginAsync(visitor, $"/documents/{tab}")))];
        string[] callbacks = [.. await Task.WhenAll(tabs.Select(tab => tab.AnswerAsync()))];

        Page[] pages = await Task.WhenAll(tabs.Select((tab, at) => tab.FinishAsync(callbacks[at])));

        Assert.Equal(["/documents/1", "/documents/2", "/documents/3", "/documents/4"], pages.Select(page => page.Address.PathAndQuery));
        Assert.All(pages, page => Assert.Equal(HttpStatusCode.OK, page.Status));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_callback_opened_twice_leads_to_the_requested_page_again()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        string callback = await tab.AnswerAsync();
        await tab.FinishAsync(callback);
        string? cookie = visitor.Cookie(SignedIn.CookieName);

        Page again = await tab.FinishAsync(callback);

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (again.Status, again.Address.PathAndQuery));
        Assert.Equal(2, again.Trail.Count);
        Assert.Equal(cookie, visitor.Cookie(SignedIn.CookieName));
    }

    [Fact]
    public async Task A_callback_with_an_expired_code_restarts_the_sign_in_and_leads_to_the_requested_page()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        string callback = await tab.AnswerAsync();
        world.Clock.Advance(TimeSpan.FromMinutes(5));

        Page page = await tab.FinishAsync(callback);

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_callback_whose_correlation_cookie_is_gone_restarts_the_sign_in_and_leads_to_the_requested_page()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        string callback = await tab.AnswerAsync();
        world.Clock.Advance(TimeSpan.FromMinutes(31));
        visitor.Forget("correlation");

        Page page = await tab.FinishAsync(callback);

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.Single(world.Log.Of("SignInRestarted"));
    }

    [Fact]
    public async Task Without_cookies_the_sign_in_restarts_once_and_then_explains_that_cookies_are_required()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip first = await RoundTrip.BeginAsync(visitor, "/documents/2");
        string callback = await first.AnswerAsync();
        visitor.Forget("correlation");
        Page restarted = await visitor.OpenAsync(callback, "cross-site");
        RoundTrip second = await RoundTrip.BeginAsync(visitor, "/documents/2", more: "&again=1");
        Assert.Equal("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2&again=1", restarted.Location?.PathAndQuery);
        callback = await second.AnswerAsync();
        visitor.Forget("correlation");

        Page page = await second.FinishAsync(callback);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Contains("the browser blocks cookies", page.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2\"", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_callback_without_a_state_shows_an_error_page_or_with_a_session_the_front_page()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        foreach (string query in (string[])["", "?code=abc", "?code=abc&state=garbage", "?error=access_denied", "?error=x&error_description=%3Cscript%3E"])
        {
            Page refused = await visitor.NavigateAsync("/accounts/oidc/authentik/login/callback/" + query, "cross-site");
            Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
            Assert.DoesNotContain("<script", refused.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("access_denied", refused.Text, StringComparison.Ordinal);
        }

        await visitor.SignInAsync("alice");
        Page page = await visitor.NavigateAsync("/accounts/oidc/authentik/login/callback/?code=abc&state=garbage", "cross-site");
        Assert.Equal((HttpStatusCode.OK, "/"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_sign_in_of_another_person_in_a_second_tab_replaces_the_session()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip ofAlice = await RoundTrip.BeginAsync(visitor, "/documents/1");
        RoundTrip ofBob = await RoundTrip.BeginAsync(visitor, "/documents/2");
        await ofAlice.CompleteAsync();
        string alices = visitor.Cookie(SignedIn.CookieName)!;
        visitor.Forget("authentik_session");
        world.Provider.SignsInAs = "bob";

        Page page = await ofBob.CompleteAsync();

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("bob", await visitor.WhoAsync());
        Assert.Equal("bob", world.Forwarded[^1].SignedInAs);
        Assert.Single(Sessions(world));
        using Visitor thief = world.NewVisitor();
        thief.Cookies.Add(new Uri(world.Origin), new Cookie(SignedIn.CookieName, alices));
        Assert.Null(await thief.WhoAsync());
        Assert.Equal("Replaced", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
    }

    private static Session[] Sessions(World world) => [.. world.Gateway.Services.GetRequiredService<SessionMemory>().All];
}
