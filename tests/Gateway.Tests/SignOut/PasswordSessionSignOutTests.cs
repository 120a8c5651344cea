using System.Net;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.SignOut;

/// <summary>The logout of somebody who signed in with a Paperless password.</summary>
public sealed class PasswordSessionSignOutTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("/accounts/logout/")]
    [InlineData("/api/auth/logout/")]
    [InlineData("/admin/logout/")]
    public async Task Every_way_out_ends_the_session_at_once_and_leads_to_no_provider(string path)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct).WaitAsync(Patience, World.Ct);
        string stolen = "sessionid=" + alice.Cookie("sessionid");

        Page page = await alice.NavigateAsync(path, "same-origin");

        OwnPages.IsOne(page, "Signed out");
        Assert.Equal("/accounts/login/?loggedout=1", page.Address.PathAndQuery);
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Empty(alice.Cookies.GetCookies(new Uri(world.Origin)));
        Assert.Equal(1008, await socket.ClosedWithAsync().WaitAsync(Patience, World.Ct));
        using Visitor thief = world.NewVisitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", stolen))).Status);
        Assert.Single(
            world.Log.Of("PasswordSessionEnded"),
            line => CapturedLog.Value(line, "User") == "alice" && CapturedLog.Value(line, "Cause") == "SignedOut");
        Assert.DoesNotContain(stolen, world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_site_can_only_make_the_gateway_ask()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");

        Page asks = await alice.OpenAsync("/accounts/logout/", "cross-site");
        Page still = await alice.FetchAsync("/api/documents/");
        Page post = await alice.SendAsync(
            HttpMethod.Post,
            "/accounts/logout/",
            new FormUrlEncodedContent([]),
            ("Sec-Fetch-Site", "same-origin"),
            ("Origin", world.Origin));

        OwnPages.IsOne(asks, "Sign out?");
        Assert.Contains("Do you want to sign out of Paperless?", asks.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.SeeOther), (still.Status, post.Status));
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task While_Paperless_cannot_be_told_the_cookie_opens_nothing_here_all_the_same()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        await alice.FetchAsync("/api/documents/");
        string stolen = "sessionid=" + alice.Cookie("sessionid");
        using (world.Paperless.Faults.Drop(_ => true))
        {
            await alice.NavigateAsync("/accounts/logout/", "same-origin");
        }

        Assert.Single(world.Paperless.Data.Sessions);
        Assert.Single(world.Log.Of("PaperlessSessionNotEnded"));
        using Visitor thief = world.NewVisitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", stolen))).Status);
        world.Clock.Advance(TimeSpan.FromDays(7));
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", stolen))).Status);
    }

    [Fact]
    public async Task Another_persons_sign_out_ends_nobody_elses_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using Visitor alicesPhone = await world.SignedInWithPasswordAsync("alice");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alicesPhone);
        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct).WaitAsync(Patience, World.Ct);

        await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, (await alicesPhone.FetchAsync("/api/documents/")).Status);
        Assert.Equal(1, world.Paperless.LiveStatus.Listeners);
        Assert.Single(world.Paperless.Data.Sessions);
    }
}
