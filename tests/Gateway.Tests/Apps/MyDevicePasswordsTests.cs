using System.Net;
using Gateway.Apps;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Apps;

/// <summary>`/gateway/apps`: a person makes, sees and ends device passwords.</summary>
public sealed class MyDevicePasswordsTests
{
    [Fact]
    public async Task A_person_makes_a_device_password_sees_it_once_and_an_app_uses_it()
    {
        await using World world = await RecheckWorld.StartAsync(settings: ("GATEWAY_OFFLINE_ACCESS", "always"));
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor app = world.NewVisitor();

        Page asked = await alice.AskAsync(world, "Anna's phone <b>");
        string callback = await alice.AnswerAsync(world, DeviceForm.Onward(asked));
        Page made = await alice.OpenAsync(callback, "cross-site");

        GatewayPages.IsOne(asked, "One moment, please");
        Assert.Equal(HttpStatusCode.OK, made.Status);
        GatewayPages.IsOne(made, "Your new device password");
        string secret = DeviceForm.SecretIn(made)!;
        Assert.Contains($"viewBox=\"0 0 {QrCode.From(secret).Size} {QrCode.From(secret).Size}\"", made.Text, StringComparison.Ordinal);
        Assert.Contains(QrCode.From(secret).Path, made.Text, StringComparison.Ordinal);
        Assert.All(
            ["Anna&#x27;s phone &lt;b&gt;", "<dd>alice</dd>", $"<dd>{world.Origin}</dd>", "When you end it"],
            part => Assert.Contains(part, made.Text, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, await app.UseAsync(secret));

        // Neither a reload nor the list shows it again, and a reload makes no second one.
        Page again = await alice.OpenAsync(callback, "cross-site");
        Page list = await alice.OpenAsync(DeviceForm.Path, "same-origin");
        Assert.Equal((HttpStatusCode.Redirect, DeviceForm.Path), (again.Status, again.Location?.PathAndQuery));
        GatewayPages.IsOne(list, "Your device passwords");
        Assert.Single(await alice.IdsAsync());
        Assert.All([again, list], page => Assert.Null(DeviceForm.SecretIn(page)));
        Assert.DoesNotContain(secret, world.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(secret["pgd_".Length..], world.Log.Text, StringComparison.Ordinal);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task The_list_says_when_and_from_where_each_device_password_was_last_used()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string secret = DeviceForm.SecretIn(await alice.MakeAsync(world, scope: "upload", days: 30))!;
        DateTimeOffset made = world.Clock.GetUtcNow();
        string before = (await alice.OpenAsync(DeviceForm.Path, "same-origin")).Text;
        using Visitor app = world.NewVisitor();
        world.Clock.Advance(TimeSpan.FromHours(2));

        Assert.Equal(HttpStatusCode.OK, await app.UseAsync(secret, "/api/ui_settings/"));
        await world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
        await world.RestartGatewayAsync();
        string after = (await alice.OpenAsync(DeviceForm.Path, "same-origin")).Text;

        Assert.All(
            ["Hall scanner", "Uploads only", PageTime.Format(made).English, PageTime.Format(made.AddDays(30)).English],
            part => Assert.Contains(part, before, StringComparison.Ordinal));
        Assert.Contains("<dd>Not yet</dd>", before, StringComparison.Ordinal);
        Assert.Matches($"{PageTime.Format(world.Clock.GetUtcNow())}</time>, from (::1|127\\.0\\.0\\.1)</dd>", after);
    }

    [Fact]
    public async Task A_device_password_expires_when_its_person_has_said()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string secret = DeviceForm.SecretIn(await alice.MakeAsync(world, days: 30))!;
        using Visitor app = world.NewVisitor();

        world.Clock.Advance(TimeSpan.FromDays(29.9));
        HttpStatusCode before = await app.UseAsync(secret);
        world.Clock.Advance(TimeSpan.FromDays(0.2));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before, await app.UseAsync(secret)));
    }

    [Fact]
    public async Task A_person_ends_an_own_device_password_and_nobody_elses()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        string phone = DeviceForm.SecretIn(await alice.MakeAsync(world, "Phone"))!;
        string scanner = DeviceForm.SecretIn(await alice.MakeAsync(world, "Scanner"))!;
        using Visitor app = world.NewVisitor();
        string id = (await world.Gateway.Services.GetRequiredService<DevicePasswords>().ListAllAsync(World.Ct))
            .Single(device => device.Info.DevicePassword!.Name == "Phone").Id;

        Page ofBob = await bob.PostAsync(world, DeviceForm.Path + "/end", ("id", id));
        HttpStatusCode stays = await app.UseAsync(phone);
        Page own = await alice.PostAsync(world, DeviceForm.Path + "/end", ("id", id));

        Assert.All([ofBob, own], page => Assert.Equal((HttpStatusCode.SeeOther, DeviceForm.Path), (page.Status, page.Header("Location"))));
        Assert.Equal(HttpStatusCode.OK, stays);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await app.UseAsync(phone), await app.UseAsync(scanner)));
        Assert.Empty(await bob.IdsAsync());
        Assert.Single(await alice.IdsAsync());
        Assert.Equal(("alice", "bob"), (await alice.WhoAsync(), await bob.WhoAsync()));
    }

    [Theory]
    [InlineData(0, 180, true)]
    [InlineData(365, 180, true)]
    [InlineData(30, 30, false)]
    public async Task Without_a_refresh_token_the_page_says_when_the_device_password_ends(int days, int ends, bool isExplained)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page made = await alice.MakeAsync(world, days: days);

        Assert.NotNull(DeviceForm.SecretIn(made));
        Assert.Contains(PageTime.Format(world.Clock.GetUtcNow().AddDays(ends)).English, made.Text, StringComparison.Ordinal);
        Assert.Equal(isExplained, made.Text.Contains("cannot ask authentik later", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_provider_that_refuses_offline_access_gives_a_device_password_all_the_same()
    {
        await using World world = await RecheckWorld.StartAsync(
            provider: given => given with { ClientScopes = ["openid", "profile", "email"] },
            settings: ("GATEWAY_OFFLINE_ACCESS", "always"));
        using Visitor alice = await world.SignedInAsync("alice");
        await world.RestartGatewayAsync();

        string callback = await alice.AnswerAsync(world, DeviceForm.Onward(await alice.AskAsync(world)));
        Page again = await alice.OpenAsync(callback, "cross-site");
        Page made = await alice.NavigateAsync(again.Location!.AbsoluteUri, "cross-site");

        Assert.NotNull(DeviceForm.SecretIn(made));
        Assert.Contains("cannot ask authentik later", made.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_password_is_rechecked_by_its_own_refresh_token_and_ends_when_the_provider_says_no()
    {
        await using World world = await RecheckWorld.StartAsync(settings: ("GATEWAY_ALLOWED_GROUPS", "family"));
        using Visitor alice = await world.SignedInAsync("alice");
        string secret = DeviceForm.SecretIn(await alice.MakeAsync(world))!;
        using Visitor app = world.NewVisitor();
        HttpStatusCode first = await app.UseAsync(secret);
        world.Clock.Advance(TimeSpan.FromHours(2.5));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first, await app.UseAsync(secret)));
        Assert.Single(world.Refreshes());

        // Not the token of the session, which still works.
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(2, world.Refreshes().Select(refresh => refresh.Form["refresh_token"]).Distinct().Count());

        // The provider is away: the app goes on.
        world.Clock.Advance(TimeSpan.FromHours(2.5));
        world.Provider.Outage = Outage.ServiceUnavailable;
        Assert.Equal(HttpStatusCode.OK, await app.UseAsync(secret));
        world.Provider.Outage = Outage.None;

        world.Provider.Change(world.Provider.Find("alice")! with { Groups = [] });
        world.Clock.Advance(TimeSpan.FromHours(2.5));
        Assert.Equal(HttpStatusCode.Unauthorized, await app.UseAsync(secret));
    }

    [Fact]
    public async Task A_refused_refresh_ends_the_device_password_and_not_the_session()
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string secret = DeviceForm.SecretIn(await alice.MakeAsync(world))!;
        using Visitor app = world.NewVisitor();
        await app.UseAsync(secret);
        world.Clock.Advance(TimeSpan.FromHours(2.5));
        world.Provider.NextTokenError = new ProviderError("invalid_grant");

        HttpStatusCode status = await app.UseAsync(secret);

        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Empty(await alice.IdsAsync());
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task Below_a_script_name_the_address_for_the_app_has_it()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor alice = await world.SignedInAsync("alice", "/docs/");

        Page made = await alice.MakeAsync(world);

        Assert.NotNull(DeviceForm.SecretIn(made));
        Assert.Contains($"<dd>{world.Origin}/docs</dd>", made.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/docs/gateway/apps\"", made.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_pages_of_sessions_link_to_the_page_unless_apps_are_switched_off()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string onward = DeviceForm.Onward(await alice.AskAsync(world));
        Page[] on = [await alice.OpenAsync("/gateway/session", "same-origin"), await alice.OpenAsync("/gateway/sessions", "same-origin")];
        await alice.MakeAsync(world);
        world.Options.Settings["GATEWAY_APPS"] = "false";
        await world.RestartGatewayAsync();

        Page[] off = [await alice.OpenAsync("/gateway/session", "same-origin"), await alice.OpenAsync("/gateway/sessions", "same-origin")];
        Page finished = await alice.OpenAsync(await alice.AnswerAsync(world, onward), "cross-site");
        Page[] closed =
        [
            await alice.OpenAsync(DeviceForm.Path, "same-origin"), await alice.AskAsync(world),
            await alice.PostAsync(world, DeviceForm.Path + "/end", ("id", "0")),
        ];

        Assert.All(on, page => Assert.Contains($"href=\"{DeviceForm.Path}\"", page.Text, StringComparison.Ordinal));
        Assert.All(off, page => Assert.DoesNotContain(DeviceForm.Path, page.Text, StringComparison.Ordinal));
        Assert.DoesNotContain("device_passwords", off[1].Text, StringComparison.Ordinal);
        Assert.All([finished, .. closed], page => Assert.Equal(HttpStatusCode.NotFound, page.Status));
    }

    [Fact]
    public async Task A_Connect_leads_to_the_page_only_with_a_session_of_single_sign_on()
    {
        await using TwoProviders both = await TwoProviders.StartAsync();
        using Visitor alice = await both.World.SignedInAsync("alice");
        using Visitor admin = await both.World.SignedInWithPasswordAsync("admin");

        Page ofAlice = await (await TwoProviders.BeginConnectAsync(alice)).CompleteAsync();
        both.Other.SignsInAs = "admin";
        Page ofAdmin = await (await TwoProviders.BeginConnectAsync(admin)).CompleteAsync();

        Assert.All([ofAlice, ofAdmin], page => GatewayPages.IsOne(page, "Connected"));
        Assert.Contains($"href=\"{DeviceForm.Path}\"", ofAlice.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(DeviceForm.Path, ofAdmin.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, HttpStatusCode.OK)]
    [InlineData(true, HttpStatusCode.Unauthorized)]
    public async Task Sign_out_everywhere_ends_the_device_passwords_where_the_person_ticks_that(bool isTicked, HttpStatusCode expected)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        Page none = await alice.OpenAsync("/gateway/sessions", "same-origin");
        string secret = DeviceForm.SecretIn(await alice.MakeAsync(world))!;
        string ofBob = DeviceForm.SecretIn(await bob.MakeAsync(world))!;
        Page one = await alice.OpenAsync("/gateway/sessions", "same-origin");
        using Visitor app = world.NewVisitor();

        Page page = await alice.PostAsync(world, "/gateway/sessions/end-all", isTicked ? [("device_passwords", "1")] : []);

        Assert.DoesNotContain("device_passwords", none.Text, StringComparison.Ordinal);
        Assert.Contains("name=\"device_passwords\"", one.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("checked", one.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.Equal((expected, HttpStatusCode.OK), (await app.UseAsync(secret), await app.UseAsync(ofBob)));
    }
}
