using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>Connect: a provider's account is linked to the user who is signed in, and nothing else changes.</summary>
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
    public async Task What_is_connected_signs_the_same_user_in_from_then_on()
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
    public async Task The_session_and_the_user_stay_as_they_are_until_the_next_sign_in()
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
    public async Task It_leads_to_no_other_site_and_to_no_logout(string next)
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await TwoProviders.ConnectAsync(alice, next);

        Assert.Equal((World.Origin + "/", "alice"), (page.Address.AbsoluteUri, await alice.WhoAsync()));
    }

    [Theory]
    [InlineData("same-origin")]
    [InlineData("cross-site")]
    [InlineData("none")]
    public async Task Where_nobody_is_signed_in_it_leads_to_the_sign_in_page_and_makes_no_account(string site)
    {
        using Visitor stranger = World.NewVisitor();

        Page page = await stranger.NavigateAsync("/accounts/oidc/other/login/?process=connect&next=%2Fdocuments%2F2", site);

        Assert.Equal((HttpStatusCode.OK, "/accounts/login/?next=%2Fdocuments%2F2"), (page.Status, page.Address.PathAndQuery));
        Assert.Null(await stranger.WhoAsync());
        Assert.Empty(World.Links());
    }

    [Fact]
    public async Task What_is_the_users_already_leads_on()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        await TwoProviders.ConnectAsync(alice);

        Page page = await TwoProviders.ConnectAsync(alice, "/documents/1");

        Assert.Equal((HttpStatusCode.OK, "/documents/1"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal(2, _both.LinksOf("alice").Count);
        Assert.Single(World.Log.Of("AccountConnected"));
    }

    [Fact]
    public async Task A_link_of_another_user_is_refused_with_a_page_that_tells_nothing_of_that_user()
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
    public async Task A_user_made_anew_under_the_same_number_does_not_inherit_the_link()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        await TwoProviders.ConnectAsync(alice);
        World.Paperless.Data.UpdateUser("alice", user => user with { Joined = user.Joined.AddDays(1) });

        Page page = await TwoProviders.ConnectAsync(alice);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("account_replaced", CapturedLog.Value(Assert.Single(World.Log.Of("Refused")), "Code"));
    }

    [Fact]
    public async Task An_account_that_was_switched_off_or_deleted_meanwhile_is_linked_to_nothing()
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
    public async Task Two_who_connect_the_same_at_once_do_not_share_it()
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
    public async Task An_administrators_account_is_linked_by_connect_alone()
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

        Assert.Equal("/gateway/nothing", page.Address.PathAndQuery);
        Assert.Equal("other", Assert.Single(both.LinksOf("admin")).Provider);
        Assert.Null(admin.Cookie(SignedIn.CookieName));
        using Visitor later = await both.SignedInWithOtherAsync();
        Assert.Equal("admin", await later.WhoAsync());
    }

    [Fact]
    public async Task A_connect_begun_at_Paperless_itself_is_that_users_alone()
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
