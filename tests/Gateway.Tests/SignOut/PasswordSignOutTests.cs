using System.Net;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.SignOut;

/// <summary>The sign-out of a password session.</summary>
public sealed class PasswordSignOutTests
{
    [Theory]
    [InlineData("/accounts/logout/")]
    [InlineData("/api/auth/logout/")]
    [InlineData("/admin/logout/")]
    public async Task Every_way_to_sign_out_of_a_password_session_ends_it_immediately_without_a_provider(string path)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        string stolen = "sessionid=" + alice.Cookie("sessionid");

        Page page = await alice.NavigateAsync(path, "same-origin");

        GatewayPages.IsOne(page, "Signed out");
        Assert.Equal("/accounts/login/?loggedout=1", page.Address.PathAndQuery);
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Empty(alice.Cookies.GetCookies(new Uri(world.Origin)));
        Assert.Equal(1008, await socket.ClosedWithAsync());
        using Visitor thief = world.NewVisitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", stolen))).Status);
        Assert.Single(
            world.Log.Of("PasswordSessionEnded"),
            line => CapturedLog.Value(line, "User") == "alice" && CapturedLog.Value(line, "Cause") == "SignedOut");
        Assert.DoesNotContain(stolen, world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cross_site_sign_out_of_a_password_session_is_only_offered_as_a_question()
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

        GatewayPages.IsOne(asks, "Sign out?");
        Assert.Contains("Do you want to sign out of Paperless?", asks.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.SeeOther), (still.Status, post.Status));
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task While_Paperless_is_unavailable_a_signed_out_password_session_is_refused_nevertheless()
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
    public async Task A_sign_out_of_a_password_session_ends_no_other_persons_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using Visitor alicesPhone = await world.SignedInWithPasswordAsync("alice");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alicesPhone);
        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);

        await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, (await alicesPhone.FetchAsync("/api/documents/")).Status);
        Assert.Equal(1, world.Paperless.LiveStatus.Listeners);
        Assert.Single(world.Paperless.Data.Sessions);
    }
}
