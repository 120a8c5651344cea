using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;

namespace Gateway.Tests.Accounts;

/// <summary>Connect links a provider account to the signed-in user and changes nothing else.</summary>
public sealed class ConnectTests : IAsyncLifetime
{
    private TwoProviders _both = null!;

    private World World => _both.World;

    public async ValueTask InitializeAsync() => _both = await TwoProviders.StartAsync(options =>
    {
        TwoProviders.ApiOn(true)(options);
        options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true";
    });

    public ValueTask DisposeAsync() => _both.DisposeAsync();

    [Fact]
    public async Task A_connected_provider_account_signs_in_as_the_same_user()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await TwoProviders.ConnectAsync(alice, "/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        using Visitor elsewhere = await _both.SignedInWithOtherAsync();
        Assert.Equal("alice", await elsewhere.WhoAsync());
        Assert.Equal(["authentik", "other"], _both.LinksOf("alice").Select(link => link.Provider));
        Assert.Equal(
            ("alice", "other"),
            (CapturedLog.Value(Assert.Single(World.Log.Of("AccountConnected")), "User"), CapturedLog.Value(World.Log.Of("AccountConnected")[0], "Provider")));
    }

    [Fact]
    public async Task After_a_connect_a_page_says_so_and_leads_to_the_return_address()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await (await TwoProviders.BeginConnectAsync(alice, "/documents/2")).CompleteAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        GatewayPages.IsOne(page, "Connected");
        Assert.Contains("bob at other is now connected to your Paperless account alice.", page.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/documents/2\"", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connect_leaves_the_session_and_the_user_unchanged_until_the_next_sign_in()
    {
        _both.Other.Change(_both.Other.Find("bob")! with { Groups = ["editors"] });
        using Visitor alice = await World.SignedInAsync("alice");
        string? cookie = alice.Cookie(SignedIn.CookieName);
        StandInUser before = World.Paperless.Data.FindUser("alice")!;

        await TwoProviders.ConnectAsync(alice);

        Assert.Equal((cookie, "alice"), (alice.Cookie(SignedIn.CookieName), await alice.WhoAsync()));
        Assert.Contains("\"provider\":\"authentik\"", (await alice.FetchAsync("/gateway/session")).Text, StringComparison.Ordinal);
        StandInUser after = World.Paperless.Data.FindUser("alice")!;
        Assert.Equal((before.Email, before.FirstName), (after.Email, after.FirstName));
        Assert.Empty(World.Paperless.Data.GroupsOf("alice"));
        Assert.Single(World.Log.Of("SignedIn"));
        Assert.Empty(World.Log.Of("SessionEnded"));
        Assert.Equal(DateTimeOffset.UnixEpoch, _both.LinksOf("alice")[1].AssertedAt);

        using Visitor elsewhere = await _both.SignedInWithOtherAsync();
        Assert.Equal(["editors"], World.Paperless.Data.GroupsOf("alice"));
        Assert.Equal("bob@example.com", World.Paperless.Data.FindUser("alice")!.Email);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example")]
    [InlineData("/accounts/logout/")]
    public async Task A_connect_redirects_neither_to_another_site_nor_to_the_logout(string next)
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await TwoProviders.ConnectAsync(alice, next);

        Assert.Equal((World.Origin + "/", "alice"), (page.Address.AbsoluteUri, await alice.WhoAsync()));
    }

    [Theory]
    [InlineData("same-origin")]
    [InlineData("cross-site")]
    [InlineData("none")]
    public async Task A_connect_without_a_session_leads_to_the_sign_in_page_and_creates_no_account(string site)
    {
        using Visitor stranger = World.NewVisitor();

        Page page = await stranger.NavigateAsync("/accounts/oidc/other/login/?process=connect&next=%2Fdocuments%2F2", site);

        Assert.Equal((HttpStatusCode.OK, "/accounts/login/?next=%2Fdocuments%2F2"), (page.Status, page.Address.PathAndQuery));
        Assert.Null(await stranger.WhoAsync());
        Assert.Empty(World.Links());
    }

    [Fact]
    public async Task Connecting_an_already_connected_account_redirects_to_the_return_address()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        await TwoProviders.ConnectAsync(alice);

        Page page = await TwoProviders.ConnectAsync(alice, "/documents/1");

        Assert.Equal((HttpStatusCode.OK, "/documents/1"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal(2, _both.LinksOf("alice").Count);
        Assert.Single(World.Log.Of("AccountConnected"));
    }

    [Fact]
    public async Task A_connect_to_an_account_linked_to_another_user_is_refused_without_naming_that_user()
    {
        using Visitor bob = await _both.SignedInWithOtherAsync();
        using Visitor alice = await World.SignedInAsync("alice");
        IReadOnlyList<AccountLink> before = _both.Links;

        Page page = await TwoProviders.ConnectAsync(alice);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("belongs to another Paperless account", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("bob", page.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("/accounts/oidc/other/login/?process=connect&amp;next=%2F&amp;prompt=login", page.Text, StringComparison.Ordinal);
        Assert.Equal(before, _both.Links);
        Assert.Equal(("bob", "alice"), (await bob.WhoAsync(), await alice.WhoAsync()));
        Assert.Equal("connect_taken", CapturedLog.Value(Assert.Single(World.Log.Of("Refused")), "Code"));
    }

    [Fact]
    public async Task A_user_recreated_with_the_same_id_does_not_inherit_the_link()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        await TwoProviders.ConnectAsync(alice);
        World.Paperless.Data.UpdateUser("alice", user => user with { Joined = user.Joined.AddDays(1) });

        Page page = await TwoProviders.ConnectAsync(alice);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("account_replaced", CapturedLog.Value(Assert.Single(World.Log.Of("Refused")), "Code"));
    }

    [Fact]
    public async Task A_connect_to_a_user_deactivated_or_deleted_meanwhile_links_nothing()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        RoundTrip first = await TwoProviders.BeginConnectAsync(alice);
        RoundTrip second = await TwoProviders.BeginConnectAsync(alice);
        World.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });
        Page inactive = await first.CompleteAsync();
        World.Paperless.Data.RemoveUser(_both.UserId("alice"));

        Page gone = await second.CompleteAsync();

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (inactive.Status, gone.Status));
        Assert.Contains("switched off", inactive.Text, StringComparison.Ordinal);
        Assert.Contains("deleted", gone.Text, StringComparison.Ordinal);
        Assert.Single(_both.Links);
        Assert.Equal(["account_inactive", "account_gone"], World.Log.Of("Refused").Select(line => CapturedLog.Value(line, "Code")));
    }

    [Fact]
    public async Task Two_users_who_connect_one_provider_account_concurrently_do_not_share_the_account()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.Data.AddPerson("carol");
        World.Provider.Change(World.Provider.Find("bob")! with { Username = "carol" });
        using Visitor carol = await World.SignedInAsync("carol");
        RoundTrip[] trips = [await TwoProviders.BeginConnectAsync(alice), await TwoProviders.BeginConnectAsync(carol)];
        string[] callbacks = [await trips[0].AnswerAsync(), await trips[1].AnswerAsync()];

        Page[] pages = await Task.WhenAll(trips.Zip(callbacks, (trip, callback) => trip.FinishAsync(callback)));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Forbidden], pages.Select(page => page.Status).Order());
        Assert.Single(_both.Links, link => link.Provider == "other");
        Assert.Single(World.Log.Of("AccountConnected"));
    }
}

/// <summary>Superusers and staff, whom no name finds, and people who signed in at Paperless itself.</summary>
public sealed class ConnectOfAdminsTests
{
    [Fact]
    public async Task An_administrators_account_can_be_linked_by_connect_only()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(
            options => options.Services = services => services.AddSingleton<IStartupFilter, SignedInAtPaperless>());
        World world = both.World;
        world.Provider.SignsInAs = "admin";
        using Visitor byName = await world.SignedInAsync("admin");
        Assert.Equal("admin2", await byName.WhoAsync());
        Assert.Empty(both.LinksOf("admin"));

        // Signed in with the password at Paperless itself.
        both.Other.SignsInAs = "admin";
        using Visitor admin = world.NewVisitor();
        admin.Cookies.Add(new Uri(world.Origin), new Cookie(SignedInAtPaperless.CookieName, $"{both.UserId("admin")}"));
        RoundTrip trip = await TwoProviders.BeginConnectAsync(admin, "/gateway/nothing");
        Page page = await trip.CompleteAsync();

        GatewayPages.IsOne(page, "Connected");
        Assert.Contains("href=\"/gateway/nothing\"", page.Text, StringComparison.Ordinal);
        Assert.Equal("other", Assert.Single(both.LinksOf("admin")).Provider);
        Assert.Null(admin.Cookie(SignedIn.CookieName));
        using Visitor later = await both.SignedInWithOtherAsync();
        Assert.Equal("admin", await later.WhoAsync());
    }

    [Fact]
    public async Task A_connect_started_in_a_Paperless_session_works_once_and_for_that_user_only()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(
            options => options.Services = services => services.AddSingleton<IStartupFilter, SignedInAtPaperless>());
        World world = both.World;
        using Visitor admin = world.NewVisitor();
        admin.Cookies.Add(new Uri(world.Origin), new Cookie(SignedInAtPaperless.CookieName, $"{both.UserId("admin")}"));
        RoundTrip[] trips = [await TwoProviders.BeginConnectAsync(admin), await TwoProviders.BeginConnectAsync(admin), await TwoProviders.BeginConnectAsync(
            admin)];
        string replayed = await trips[2].AnswerAsync();

        // Another user, nobody, and a second time.
        admin.Cookies.Add(new Uri(world.Origin), new Cookie(SignedInAtPaperless.CookieName, $"{both.UserId("alice")}"));
        Page another = await trips[0].CompleteAsync();
        admin.Forget(SignedInAtPaperless.CookieName);
        Page nobody = await trips[1].CompleteAsync();
        admin.Cookies.Add(new Uri(world.Origin), new Cookie(SignedInAtPaperless.CookieName, $"{both.UserId("admin")}"));
        await trips[2].FinishAsync(replayed);
        Page again = await trips[2].FinishAsync(replayed);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden, HttpStatusCode.BadRequest), (another.Status, nobody.Status, again.Status));
        Assert.Equal("admin", world.Paperless.Data.FindUser(Assert.Single(both.Links).UserId)!.Name);
        Assert.Null(admin.Cookie(SignedIn.CookieName));
    }
}
