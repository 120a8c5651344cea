using System.Net;
using Gateway.Apps;
using Gateway.Sessions;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.Recheck;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Tests.Apps;

/// <summary>`/gateway/apps`: when a person gets no device password, and what the page says then.</summary>
public sealed class DevicePasswordRefusalTests
{
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
