using System.Net;
using Gateway.Apps;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.Recheck;
using Microsoft.AspNetCore.WebUtilities;

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
    [InlineData("", "Origin", "https://evil.example")]
    [InlineData("", "Sec-Fetch-Site", "cross-site")]
    [InlineData("", "Sec-Fetch-Site", "same-site")]
    [InlineData("/end", "Sec-Fetch-Site", "cross-site")]
    [InlineData("/end", "Origin", "null")]
    public async Task A_form_of_another_site_makes_and_ends_no_device_password(string path, string header, string value)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await alice.MakeAsync(world);
        string id = Assert.Single(await alice.IdsAsync());
        using FormUrlEncodedContent form = new(new Dictionary<string, string> { ["id"] = id, ["name"] = "x", ["scope"] = "full", ["days"] = "0" });

        Page page = await alice.SendAsync(HttpMethod.Post, DeviceForm.Path + path, form, ("Accept", "text/html"), (header, value));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        GatewayPages.IsOne(page, "Not from another site");
        Assert.Equal([id], await alice.IdsAsync());
    }

    [Theory]
    [InlineData("everything", "0")]
    [InlineData("full", "36500")]
    [InlineData("full", "")]
    [InlineData("", "-1")]
    public async Task A_form_that_no_page_of_the_gateway_sends_makes_no_device_password(string scope, string days)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.PostAsync(world, DeviceForm.Path, ("name", "x"), ("scope", scope), ("days", days));

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Empty(await alice.IdsAsync());
    }

    [Fact]
    public async Task Another_person_who_comes_back_from_the_provider_gets_no_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        (await world.SignedInAsync("bob")).Dispose();
        string onward = DeviceForm.Onward(await alice.AskAsync(world));
        await alice.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, "if/flow/default-authentication-flow/?person=bob").AbsoluteUri);

        Page page = await alice.OpenAsync(await alice.AnswerAsync(world, onward), "cross-site");

        await NothingIsMadeAsync(world, page, HttpStatusCode.Forbidden, "device_password_somebody_else");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_session_that_has_ended_meanwhile_gets_no_device_password(bool isSignedInAgain)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string onward = DeviceForm.Onward(await alice.AskAsync(world));
        string callback = await alice.AnswerAsync(world, onward);
        ListedSession session = (await world.ListedSessionsAsync()).Single();
        await world.Gateway.Services.GetRequiredService<Revocations>().EndAsync(session.Stored, SessionEnd.EndedByTheOperator, World.Ct);
        if (isSignedInAgain)
        {
            await alice.SignInAsync("alice");
        }

        Page page = await alice.OpenAsync(callback, "cross-site");

        await NothingIsMadeAsync(world, page, HttpStatusCode.Forbidden, "device_password_session_changed");
    }

    [Fact]
    public async Task A_session_that_the_provider_has_not_confirmed_for_a_while_gets_no_device_password()
    {
        await using World world = await RecheckWorld.StartAsync(provider: given => given with { RefreshError = "invalid_grant" });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");
        string onward = DeviceForm.Onward(await alice.AskAsync(world));
        world.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);

        Page asked = await alice.AskAsync(world);
        Page finished = await alice.OpenAsync(await alice.AnswerAsync(world, onward), "cross-site");

        await NothingIsMadeAsync(world, asked, HttpStatusCode.Forbidden, "device_password_unconfirmed");
        await NothingIsMadeAsync(world, finished, HttpStatusCode.Forbidden, "device_password_unconfirmed");
    }

    [Fact]
    public async Task A_person_whom_the_claims_do_not_allow_any_more_gets_no_device_password()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");
        using Visitor alice = await world.SignedInAsync("alice");
        string onward = DeviceForm.Onward(await alice.AskAsync(world));
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = [] });

        Page page = await alice.OpenAsync(await alice.AnswerAsync(world, onward), "cross-site");

        await NothingIsMadeAsync(world, page, HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task An_account_that_was_switched_off_gets_no_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string onward = DeviceForm.Onward(await alice.AskAsync(world));
        world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });

        Page page = await alice.OpenAsync(await alice.AnswerAsync(world, onward), "cross-site");

        await NothingIsMadeAsync(world, page, HttpStatusCode.Forbidden, "account_inactive");
    }

    [Fact]
    public async Task While_Paperless_does_not_answer_no_device_password_is_made()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string callback = await alice.AnswerAsync(world, DeviceForm.Onward(await alice.AskAsync(world)));
        using Fault away = world.Paperless.Faults.Drop(_ => true);

        Page page = await alice.OpenAsync(callback, "cross-site");

        await NothingIsMadeAsync(world, page, HttpStatusCode.ServiceUnavailable, "paperless_unavailable");
    }

    [Fact]
    public async Task A_provider_that_refuses_leads_back_and_makes_no_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string onward = DeviceForm.Onward(await alice.AskAsync(world));
        world.Provider.NextAuthorizeError = new ProviderError("access_denied");

        Page page = await alice.OpenAsync(await alice.AnswerAsync(world, onward), "cross-site");

        await NothingIsMadeAsync(world, page, HttpStatusCode.Forbidden, "provider_error");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task While_the_provider_does_not_answer_no_device_password_is_begun()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.RestartGatewayAsync();
        world.Provider.Outage = Outage.ServiceUnavailable;

        Page page = await alice.AskAsync(world);

        await NothingIsMadeAsync(world, page, HttpStatusCode.ServiceUnavailable, "provider_status");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("unauthorized_client")]
    public async Task Where_the_provider_wants_requests_pushed_the_answer_to_that_counts(string? error)
    {
        await using World world = await World.StartAsync(options =>
            options.Provider = given => given with { PushedRequests = PushedRequests.Required });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.NextPushError = error is null ? null : new ProviderError(error);

        Page asked = await alice.AskAsync(world);

        if (error is null)
        {
            Assert.NotNull(DeviceForm.SecretIn(await alice.OpenAsync(await alice.AnswerAsync(world, DeviceForm.Onward(asked)), "cross-site")));
        }
        else
        {
            await NothingIsMadeAsync(world, asked, HttpStatusCode.BadGateway, "provider_error");
        }
    }

    [Fact]
    public async Task A_recent_session_needs_no_new_sign_in_and_an_old_one_does()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        string recent = DeviceForm.Onward(await alice.AskAsync(world));
        world.Clock.Advance(DevicePasswordFlow.MaxSignInAge + TimeSpan.FromMinutes(5));
        string old = DeviceForm.Onward(await alice.AskAsync(world));

        Assert.False(QueryHelpers.ParseQuery(new Uri(recent).Query).ContainsKey("prompt"));
        Assert.Equal("login", QueryHelpers.ParseQuery(new Uri(old).Query)["prompt"]);

        // Somebody at a browser that was left open takes the prompt out of the address.
        Page without = await alice.OpenAsync(
            await alice.AnswerAsync(world, old.Replace("prompt=login", "prompt2=login", StringComparison.Ordinal)),
            "cross-site");
        await NothingIsMadeAsync(world, without, HttpStatusCode.Forbidden, "device_password_not_anew");

        world.Provider.SignsInAs = "alice";
        Page made = await alice.MakeAsync(world);
        Assert.NotNull(DeviceForm.SecretIn(made));
        Assert.Equal("alice", await alice.WhoAsync());
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
    public async Task A_person_with_as_many_as_anybody_may_have_makes_no_further_one()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        for (int count = 0; count < DevicePasswords.MaxPerPerson; count++)
        {
            await world.MakeDevicePasswordAsync("alice");
        }

        Page list = await alice.OpenAsync(DeviceForm.Path, "same-origin");
        Page page = await alice.AskAsync(world);

        Assert.DoesNotContain("Make a device password", list.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal(DevicePasswords.MaxPerPerson, (await alice.IdsAsync()).Length);
    }

    [Fact]
    public async Task With_a_Paperless_password_the_page_says_what_to_do_instead()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "false");
        world.Paperless.Data.UpdateUser("alice", user => user with { Password = "alice" });
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");

        Page page = await alice.OpenAsync(DeviceForm.Path, "same-origin");
        Page asked = await alice.AskAsync(world);
        Page session = await alice.OpenAsync("/gateway/session", "same-origin");

        Assert.All([page, asked], one => Assert.Equal(HttpStatusCode.Forbidden, one.Status));
        GatewayPages.IsOne(page, "Not with a Paperless password");
        Assert.Contains("API token", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(DeviceForm.Path, session.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_session_the_page_leads_to_the_sign_in_and_back()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/docs" + DeviceForm.Path);
        Page asked = await stranger.AskAsync(world);

        Assert.All([page, asked], one => Assert.Equal(HttpStatusCode.Unauthorized, one.Status));
        Assert.Contains("href=\"/docs/accounts/login/?next=%2Fdocs%2Fgateway%2Fapps\"", page.Text, StringComparison.Ordinal);
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

    /// <summary>A refusal with the way back, and no device password.</summary>
    private static async Task NothingIsMadeAsync(World world, Page page, HttpStatusCode status, string? code = null)
    {
        Assert.True(page.Status == status, page.Text);
        Assert.Contains($"href=\"{DeviceForm.Path}\"", page.Text, StringComparison.Ordinal);
        Assert.Null(DeviceForm.SecretIn(page));
        Assert.Empty(await world.Gateway.Services.GetRequiredService<DevicePasswords>().ListAllAsync(World.Ct));
        if (code is not null)
        {
            Assert.Contains(world.Log.Of("Refused"), line => CapturedLog.Value(line, "Code") == code);
        }
    }
}
