using System.Net;
using Gateway.Apps;
using Gateway.StandIns.Paperless;
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
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);

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

        Assert.NotEmpty(world.Log.Of("Refused"));
        Assert.All(world.Log.Of("Refused"), refused => Assert.Equal("not_confirmed", CapturedLog.Value(refused, "Code")));
    }

    [Fact]
    public async Task A_superuser_whom_only_Paperless_can_confirm_without_the_browser_keeps_the_admin_pages()
    {
        await using World world = await AdminWorld.StartAsync(options => options.Provider = given => given with { OfflineAccess = false });
        using Visitor alice = await world.SignedInAsync("alice");

        for (int round = 1; round <= 4; round++)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal(HttpStatusCode.Forbidden, (await alice.OpenAsync(AdminWorld.Path)).Status);
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
            Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync(AdminWorld.Path)).Status);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Somebody_who_is_no_superuser_of_Paperless_any_more_changes_nothing_from_then_on(bool withPassword)
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor bob = await world.SignedInAsync("bob");
        using Visitor alice = withPassword ? await world.SignedInWithPasswordAsync("admin") : await world.SignedInAsync("alice");
        (string, string) field = await FieldOfBobAsync(alice);
        world.Paperless.Data.UpdateUser(withPassword ? "admin" : "alice", user => user with { IsSuperuser = false });

        Page refused = await alice.PostAsync(world, AdminWorld.Path + "/sessions/end", field);

        Assert.Equal((HttpStatusCode.Forbidden, "bob"), (refused.Status, await bob.WhoAsync()));
        Assert.NotEqual(HttpStatusCode.OK, (await alice.OpenAsync(AdminWorld.Path)).Status);
        Assert.Equal("not_superuser", CapturedLog.Value(world.Log.Of("Refused")[0], "Code"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_Paperless_does_not_answer_a_superuser_changes_nothing(bool withPassword)
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor bob = await world.SignedInAsync("bob");
        using Visitor alice = withPassword ? await world.SignedInWithPasswordAsync("admin") : await world.SignedInAsync("alice");
        (string, string) field = await FieldOfBobAsync(alice);
        Page refused;
        using (Fault away = world.Paperless.Faults.Drop(_ => true))
        {
            refused = await alice.PostAsync(world, AdminWorld.Path + "/sessions/end", field);
        }

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "bob"), (refused.Status, await bob.WhoAsync()));
        Assert.Contains(world.Log.Of("Refused"), line => CapturedLog.Value(line, "Code") == "not_confirmed");
        Assert.Equal(HttpStatusCode.SeeOther, (await alice.PostAsync(world, AdminWorld.Path + "/sessions/end", field)).Status);
        Assert.Null(await bob.WhoAsync());
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

    private static async Task<(string Name, string Value)> FieldOfBobAsync(Visitor superuser)
    {
        Page list = await superuser.OpenAsync(AdminWorld.Path + "/sessions?search=bob", "same-origin");
        return AdminWorld.Field(await superuser.OpenAsync(AdminWorld.Links(list, AdminWorld.Path + "/sessions/end").Single(), "same-origin"));
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
