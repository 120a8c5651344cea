using System.Net;
using Gateway.Apps;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Admin;

/// <summary>What superusers end and remove on the admin pages.</summary>
public sealed class AdminChangeTests
{
    private const string Sessions = AdminWorld.Path + "/sessions";

    [Fact]
    public async Task A_superuser_ends_a_session_after_a_question_and_a_second_time_hears_that_it_is_gone()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        using StatusSocket socket = await StatusSocket.OpenAsync(world, bob);

        Page found = await alice.OpenAsync(Sessions + "?search=BOB");
        string address = Assert.Single(AdminWorld.Links(found, Sessions + "/end"));
        Page question = await alice.OpenAsync(address, "same-origin");
        Assert.Equal("bob", await bob.WhoAsync());
        Page ended = await alice.PostAsync(world, Sessions + "/end", AdminWorld.Field(question));
        Page again = await alice.PostAsync(world, Sessions + "/end", AdminWorld.Field(question));

        Assert.Equal(1008, await socket.ClosedWithAsync());
        Assert.Equal(("alice", null), (await alice.WhoAsync(), await bob.WhoAsync()));
        Assert.Contains("The session has ended.", (await alice.FollowAsync(ended)).Text, StringComparison.Ordinal);
        Assert.Contains("There is no such session any more.", (await alice.FollowAsync(again)).Text, StringComparison.Ordinal);
        Serilog.Events.LogEvent line = Assert.Single(world.Log.Of("SessionEndedBySuperuser"));
        Assert.Equal(("alice", "bob"), (CapturedLog.Value(line, "Actor"), CapturedLog.Value(line, "User")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_superuser_ends_all_sessions_of_a_person_and_the_device_passwords_if_the_box_is_ticked(bool withDevices)
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        using Visitor phone = await world.SignedInAsync("bob");
        using Visitor password = await world.SignedInWithPasswordAsync("bob");
        Assert.Equal(HttpStatusCode.OK, (await password.SessionAsync()).Status);
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("bob");
        using Visitor app = world.NewVisitor();
        (string, string)[] form = [("user", "bob"), .. withDevices ? new[] { ("device_passwords", "1") } : []];

        Page question = await alice.OpenAsync(AdminWorld.Links(await alice.OpenAsync(Sessions + "?search=bob"), Sessions + "/end-all")[0], "same-origin");
        Page ended = await alice.PostAsync(world, Sessions + "/end-all", form);
        Page again = await alice.PostAsync(world, Sessions + "/end-all", form);

        Assert.Equal(("user", "bob"), AdminWorld.Field(question));
        Assert.Equal((null, null, "alice"), (await bob.WhoAsync(), await phone.WhoAsync(), await alice.WhoAsync()));
        Assert.Equal(HttpStatusCode.Unauthorized, (await password.SessionAsync()).Status);
        Assert.Equal(withDevices ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
        Assert.Contains("All sessions of that person have ended.", (await alice.FollowAsync(ended)).Text, StringComparison.Ordinal);
        Assert.Contains("That person has no session any more.", (await alice.FollowAsync(again)).Text, StringComparison.Ordinal);
        Serilog.Events.LogEvent line = Assert.Single(world.Log.Of("SessionsEndedBySuperuser"));
        Assert.Equal(("alice", withDevices ? "4" : "3"), (CapturedLog.Value(line, "Actor"), CapturedLog.Value(line, "Count")));
    }

    [Fact]
    public async Task A_superuser_ends_a_password_session_here_and_at_Paperless()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInWithPasswordAsync("bob");
        Assert.Equal(HttpStatusCode.OK, (await bob.SessionAsync()).Status);
        const string list = AdminWorld.Path + "/password-sessions";

        Page ended = await alice.ChangeAsync(world, list, list + "/end");

        Assert.Contains("The session has ended.", (await alice.FollowAsync(ended)).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await bob.SessionAsync()).Status);
        Assert.Empty(world.Paperless.Data.SessionsOf("bob"));
        Assert.Empty(AdminWorld.Links(await alice.OpenAsync(list), list + "/end"));
        Assert.Equal("alice", CapturedLog.Value(Assert.Single(world.Log.Of("PasswordSessionEndedBySuperuser")), "Actor"));
    }

    [Fact]
    public async Task A_superuser_removes_a_link_and_the_sessions_and_device_passwords_of_the_person_end_with_it()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("bob");
        using Visitor app = world.NewVisitor();
        const string list = AdminWorld.Path + "/links";
        Assert.Equal(2, AdminWorld.Links(await alice.OpenAsync(list), list + "/remove").Length);

        Page removed = await alice.ChangeAsync(world, list + "?search=bob", list + "/remove");

        Assert.Contains("The account is no longer connected.", (await alice.FollowAsync(removed)).Text, StringComparison.Ordinal);
        Assert.Equal(("alice", null), (await alice.WhoAsync(), await bob.WhoAsync()));
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/documents/", device)).Status);
        Assert.Single(AdminWorld.Links(await alice.OpenAsync(list), list + "/remove"));
        Assert.Equal("alice", CapturedLog.Value(Assert.Single(world.Log.Of("AccountUnlinkedBySuperuser")), "Actor"));
    }

    [Theory]
    [InlineData("ListAllAsync")]
    [InlineData("EndAllAsync")]
    public async Task With_a_removed_link_the_sessions_and_device_passwords_end_also_while_the_store_does_not_answer(string unavailable)
    {
        StoreWatch watch = new();
        await using World world = await AdminWorld.StartAsync(options => options.Services = watch.Install);
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("bob");
        using Visitor app = world.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
        const string list = AdminWorld.Path + "/links";
        watch.Unavailable = unavailable;

        Page answer = await alice.ChangeAsync(world, list + "?search=bob", list + "/remove");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Single(world.Log.Of("AccountUnlinkedBySuperuser"));
        Assert.Null(await bob.WhoAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/documents/", device)).Status);
    }

    [Theory]
    [InlineData("username", "the same user name")]
    [InlineData("verified-email", "the same email address")]
    [InlineData("never", null)]
    public async Task The_question_before_a_link_is_removed_says_whether_the_next_sign_in_may_connect_the_account_again(string match, string? how)
    {
        await using World world = await AdminWorld.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = match);
        using Visitor alice = await world.SignedInAsync("alice");
        const string list = AdminWorld.Path + "/links";

        Page question = await alice.OpenAsync(AdminWorld.Links(await alice.OpenAsync(list), list + "/remove")[0], "same-origin");

        Assert.Equal(how is not null, question.Text.Contains("may connect the account again", StringComparison.Ordinal));
        Assert.Contains(how ?? "no longer signs in", question.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_Paperless_the_links_are_shown_without_user_names()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Gateway.StandIns.Paperless.Fault away = world.Paperless.Faults.Drop(_ => true);

        Page page = await alice.OpenAsync(AdminWorld.Path + "/links");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("Paperless does not answer, so the list shows no user names of Paperless.", page.Text, StringComparison.Ordinal);
        Assert.Single(AdminWorld.Links(page, AdminWorld.Path + "/links/remove"));
    }

    [Fact]
    public async Task A_superuser_ends_the_device_password_of_another_person_and_never_sees_it()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("bob", name: "Hall <scanner>");
        using Visitor app = world.NewVisitor();
        const string list = AdminWorld.Path + "/devices";
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
        Page before = await alice.OpenAsync(list);

        Page revoked = await alice.ChangeAsync(world, list, list + "/revoke");

        Assert.Contains("Hall &lt;scanner&gt;", before.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(device.Secret, before.Text, StringComparison.Ordinal);
        Assert.Contains("The device password has ended.", (await alice.FollowAsync(revoked)).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/documents/", device)).Status);
        Assert.Equal("bob", await bob.WhoAsync());
        Assert.Equal("alice", CapturedLog.Value(Assert.Single(world.Log.Of("DevicePasswordRevokedBySuperuser")), "Actor"));
    }

    [Fact]
    public async Task Below_a_script_name_the_pages_and_forms_lead_there()
    {
        await using World world = await AdminWorld.StartAsync(options => options.ScriptName = "/docs");
        using Visitor alice = await world.SignedInAsync("alice", "/docs/");
        using Visitor bob = await world.SignedInAsync("bob", "/docs/");

        Page list = await alice.OpenAsync("/docs" + Sessions + "?search=bob");
        Page question = await alice.OpenAsync(Assert.Single(AdminWorld.Links(list, "/docs" + Sessions + "/end")), "same-origin");
        Page ended = await alice.PostAsync(world, Sessions + "/end", AdminWorld.Field(question));

        Assert.Contains($"action=\"/docs{Sessions}/end\"", question.Text, StringComparison.Ordinal);
        Assert.Equal($"/docs{Sessions}?result=session-ended", ended.Header("Location"));
    }
}
