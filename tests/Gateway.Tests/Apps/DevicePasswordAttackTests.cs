using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Apps;
using Gateway.Sessions;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Apps;

/// <summary>Ways to keep, or to get, more with a device password than its person has.</summary>
public sealed class DevicePasswordAttackTests
{
    [Theory]
    [InlineData(DeviceScope.Full, "/api/profile/", false)]
    [InlineData(DeviceScope.UploadOnly, "/api/profile/", false)]
    [InlineData(DeviceScope.UploadOnly, "/api/profile/", true)]
    [InlineData(DeviceScope.Full, "/api/documents/", true)]
    internal async Task An_upgrade_to_a_WebSocket_outside_the_live_status_is_refused(DeviceScope scope, string path, bool remoteUserApi)
    {
        await using World world = await World.StartAsync(options => options.Paperless = given => given with { RemoteUserApi = remoteUserApi });
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice", scope);
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/ui_settings/", device);

        Page page = await UpgradeAsync(app, path, device);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.DoesNotContain(world.Paperless.Data.FindUser("alice")!.Token!, page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_Paperless_answers_to_a_handshake_that_it_refuses_does_not_reach_the_app()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        using Fault fault = world.Paperless.Faults.Answer(request => request.RawPath == "/ws/status/", 200);

        Page page = await UpgradeAsync(app, "/ws/status/", device);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("user_token_missing", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_API_token_of_the_user_does_not_close_the_profile()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/profile/", device);

        world.Paperless.Data.UpdateUser("alice", user => user with { Token = "0123456789abcdef0123456789abcdef01234567" });

        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/profile/", device)).Status);
    }

    [Fact]
    public async Task The_profile_of_somebody_who_was_switched_off_ends_the_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/profile/", device);
        world.Clock.Advance(TimeSpan.FromSeconds(10));

        world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });

        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/profile/", device)).Status);
    }

    [Fact]
    public async Task A_superuser_changes_no_users_with_a_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.Data.UpdateUser("alice", user => user with { IsSuperuser = true });
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        int id = world.Paperless.Data.FindUser("alice")!.Id;
        (string, string) authorization = ("Authorization", "Token " + device.Secret);

        Page password = await app.SendAsync(HttpMethod.Patch, $"/api/users/{id}/", Json("""{"password":"mine-for-ever"}"""), authorization);
        Page another = await app.SendAsync(HttpMethod.Post, "/api/users/", Json("""{"username":"mallory"}"""), authorization);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (password.Status, another.Status));
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/users/", device)).Status);
    }

    [Fact]
    public async Task A_provider_that_confirms_nobody_for_the_lifetime_ends_the_device_password()
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string secret = DeviceForm.SecretIn(await alice.MakeAsync(world))!;
        using Visitor app = world.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, await app.UseAsync(secret));
        List<HttpStatusCode> all = [];
        for (int month = 0; month < 8; month++)
        {
            world.Clock.Advance(TimeSpan.FromDays(30));
            world.Provider.NextTokenError = new ProviderError("invalid_client");
            all.Add(await app.UseAsync(secret));
        }

        Assert.All(all[..5], status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(HttpStatusCode.Unauthorized, all[^1]);
    }

    [Fact]
    public async Task Disconnecting_the_provider_in_My_Profile_ends_the_device_passwords()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(TwoProviders.ApiOn(true));
        World world = both.World;
        using Visitor alice = await world.SignedInAsync("alice");
        await TwoProviders.ConnectAsync(alice);
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", device);
        string body = $$"""{"id":-{{both.LinksOf("alice")[0].Id}}}""";

        Page disconnected = await alice.FetchAsync(HttpMethod.Post, "/api/profile/disconnect_social_account/", Json(body), ("Origin", world.Origin));
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.Status, disconnected.Status, after.Status));
    }

    [Fact]
    public async Task Somebody_whom_the_groups_refuse_at_the_apps_sign_in_loses_the_device_passwords()
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "paperless-users");
        (await world.SignedInAsync("alice")).Dispose();
        Page first = await world.BringTokenOfAsync("alice");
        string secret = (string)JsonNode.Parse(first.Text)!["meta"]!["access_token"]!;
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["family"] });

        Page denied = await world.BringTokenOfAsync("alice");
        using Visitor app = world.NewVisitor();
        Page after = await app.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Token " + secret));

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized), (denied.Status, after.Status));
    }

    [Fact]
    public async Task While_the_store_does_not_answer_a_refused_person_loses_the_device_passwords_here_and_the_log_says_so()
    {
        StoreWatch watch = new();
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_ALLOWED_GROUPS"] = "paperless-users";
            options.Services = watch.Install;
        });
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", device);
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["family"] });
        using Visitor again = world.NewVisitor();
        watch.Unavailable = "EndAllAsync";

        Page refused = await again.SignInAsync("alice");
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized), (refused.Status, after.Status));
        Assert.Single(world.Log.Of("DevicePasswordsNotRemoved"));
    }

    [Fact]
    public async Task An_ID_token_of_a_confidential_client_that_no_app_can_use_signs_no_app_in()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = given => given with { OfflineAccess = true };
        });
        string client = world.Provider.Options.ClientId;
        world.Options.Settings[ProvidersSetting.Variable] = $$$"""
            {"openid_connect": {"OAUTH_PKCE_ENABLED": true, "APPS": [{"provider_id": "authentik", "name": "authentik",
            "client_id": "{{{client}}}", "secret": "{{{world.Provider.Options.ClientSecret}}}",
            "settings": {"server_url": "{{{world.Provider.DiscoveryUrl}}}", "fetch_userinfo": false}}]}}
            """;
        world.StartGateway();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromHours(2));
        await alice.FetchAsync("/api/documents/");
        Assert.Single(world.Refreshes());
        Page logout = await alice.OpenAsync("/accounts/logout/", "same-origin");
        string hint = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(logout.Location!.Query)["id_token_hint"]!;
        using Visitor thief = world.NewVisitor();
        string body = $$$"""{"provider":"authentik","process":"login","token":{"client_id":"{{{client}}}","id_token":"{{{hint}}}"}}""";

        Page page = await thief.SendAsync(HttpMethod.Post, "/api/auth/headless/app/v1/auth/provider/token", Json(body));
        Page config = await thief.SendAsync(HttpMethod.Get, "/api/auth/headless/app/v1/config");

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.DoesNotContain("authentik", config.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_session_over_an_old_sign_in_at_the_provider_makes_no_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string first = DeviceForm.Onward(await alice.AskAsync(world));
        long twoHoursAgo = world.Clock.GetUtcNow().AddHours(-2).ToUnixTimeSeconds();
        world.Provider.RewriteIdToken = token => new GoodToken(world, token).With(("auth_time", $"{twoHoursAgo}"));

        Page again = await alice.OpenAsync(await alice.AnswerAsync(world, first), "cross-site");

        Assert.DoesNotContain("prompt=login", first, StringComparison.Ordinal);
        Assert.Null(DeviceForm.SecretIn(again));
        Assert.Contains("prompt=login", DeviceForm.Onward(again), StringComparison.Ordinal);
    }

    [Fact]
    public void An_older_gateway_takes_no_device_password_for_a_session_of_a_browser()
    {
        SessionSecret secret = SessionSecret.Create();
        Identity alice = new("authentik", "https://issuer.example/", "1", 2, "alice", false, null, null, null, null);
        DevicePassword scanner = new("Scanner", DeviceScope.UploadOnly);
        SessionRecord device = new(alice, default, default, new ProviderTokens("e30.e30."), DevicePassword: scanner);
        SessionRecord browser = device with { DevicePassword = null };

        Assert.Equal(DeviceScope.UploadOnly, SessionRecord.Decrypt(device.Encrypt(secret), secret)!.DevicePassword!.Scope);
        Assert.Null(SessionRecord.Decrypt(browser.Encrypt(secret), secret)!.DevicePassword);
    }

    private static Task<Page> UpgradeAsync(Visitor app, string path, MadeDevicePassword device) => app.SendAsync(
        HttpMethod.Get, path, null, ("Authorization", "Token " + device.Secret), ("Connection", "Upgrade"), ("Upgrade", "websocket"));

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
