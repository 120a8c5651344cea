using System.Net;
using Gateway.Apps;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.Admin;

/// <summary>Who reaches the admin pages: superusers whom somebody has confirmed lately, and nobody else.</summary>
public sealed class AdminAccessTests
{
    [Fact]
    public async Task A_superuser_opens_every_admin_page()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        foreach (string path in AdminWorld.Lists)
        {
            Page page = await alice.OpenAsync(path);
            Assert.True(page.Status == HttpStatusCode.OK, $"{path}: {page.Status}");
            Assert.Equal("no-store", page.Header("Cache-Control"));
        }
    }

    [Fact]
    public async Task An_ordinary_user_gets_no_admin_page_and_changes_nothing()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");

        await AssertClosedAsync(world, bob, HttpStatusCode.Forbidden);

        Assert.Equal(("alice", "bob"), (await alice.WhoAsync(), await bob.WhoAsync()));
    }

    [Fact]
    public async Task A_stranger_is_asked_to_sign_in()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor stranger = world.NewVisitor();

        await AssertClosedAsync(world, stranger, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_device_password_of_a_superuser_opens_no_admin_page()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        foreach (string path in AdminWorld.Lists)
        {
            Page page = await app.GetAsync(path, device);
            Assert.True(page.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, $"{path}: {page.Status}");
        }
    }

    [Fact]
    public async Task A_superuser_whom_nobody_has_confirmed_lately_changes_nothing()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        await AssertClosedAsync(world, alice, HttpStatusCode.Forbidden);

        Assert.All(world.Log.Of("Refused"), refused => Assert.Equal("not_confirmed", CapturedLog.Value(refused, "Code")));
    }

    [Fact]
    public async Task A_form_of_another_site_changes_nothing()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");

        foreach (string path in AdminWorld.Changes)
        {
            using FormUrlEncodedContent form = new([KeyValuePair.Create("user", "bob")]);
            Page page = await alice.SendAsync(HttpMethod.Post, path, form, ("Accept", "text/html"), ("Origin", "https://evil.example"));
            Assert.True(page.Status == HttpStatusCode.Forbidden, $"{path}: {page.Status}");
        }

        Assert.Equal("bob", await bob.WhoAsync());
    }

    [Fact]
    public async Task A_superuser_with_a_password_session_sees_the_admin_pages()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor admin = await world.SignedInWithPasswordAsync("admin");
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");

        Assert.Equal(HttpStatusCode.OK, (await admin.OpenAsync(AdminWorld.Path)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.OpenAsync(AdminWorld.Path)).Status);
    }

    [Fact]
    public async Task The_session_pages_link_to_the_admin_pages_for_superusers_only()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");

        foreach (string path in new[] { "/gateway/sessions", "/gateway/session" })
        {
            string seen = (await alice.OpenAsync(path)).Text;
            string unseen = (await bob.OpenAsync(path)).Text;
            Assert.All(["href=\"/gateway/admin\"", "href=\"/gateway/check\""], link => Assert.Contains(link, seen, StringComparison.Ordinal));
            Assert.DoesNotContain("/gateway/admin", unseen, StringComparison.Ordinal);
            Assert.DoesNotContain("/gateway/check", unseen, StringComparison.Ordinal);
        }
    }

    private static async Task AssertClosedAsync(World world, Visitor visitor, HttpStatusCode expected)
    {
        foreach (string path in AdminWorld.Lists.Concat(AdminWorld.Changes))
        {
            Page page = await visitor.OpenAsync(path);
            Assert.True(page.Status == expected, $"GET {path}: {page.Status}");
        }

        foreach (string path in AdminWorld.Changes)
        {
            Page page = await visitor.PostAsync(world, path, ("user", "alice"), ("id", "1"));
            Assert.True(page.Status == expected, $"POST {path}: {page.Status}");
        }
    }
}
