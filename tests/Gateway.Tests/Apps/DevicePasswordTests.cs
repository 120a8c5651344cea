using System.Net;
using System.Net.WebSockets;
using System.Text;
using Gateway.Apps;
using Gateway.Sessions;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>What an app reaches with a device password, and as whom.</summary>
public sealed class DevicePasswordTests
{
    private static string Basic(string name, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_app_acts_as_its_person_whether_the_API_takes_the_user_header_or_not(bool remoteUserApi)
    {
        await using World world = await World.StartAsync(options => options.Paperless = given => given with { RemoteUserApi = remoteUserApi });
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", device);
        world.Paperless.ForgetReceived();

        Page page = await app.GetAsync("/api/documents/", device);

        ReceivedRequest received = Assert.Single(world.Forwarded);
        Assert.Equal((HttpStatusCode.OK, "alice"), (page.Status, received.SignedInAs));
        Assert.DoesNotContain(received.Headers, header => header.Key is "Remote-User" or "Cookie");
        Assert.DoesNotContain(device.Secret, received.Lines("Authorization")[0], StringComparison.Ordinal);
        Assert.Empty(page.SetCookies);
    }

    [Fact]
    public async Task The_session_that_reads_the_users_API_token_is_ended_again()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        world.Paperless.ForgetReceived();

        await app.GetAsync("/api/documents/", device);

        Assert.Contains(world.Paperless.Received, request => request.Path == "/accounts/logout/" && request.Lines("Cookie").Count == 1);
        Assert.DoesNotContain(world.Log.Text, device.Secret, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_password_works_as_the_password_of_Basic_for_its_own_user_name_only()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true");
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        Page own = await app.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", Basic("alice", device.Secret)));
        Page other = await app.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", Basic("admin", device.Secret)));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (own.Status, other.Status));
    }

    [Theory]
    [InlineData("application/json", """{"username":"alice","password":"$"}""")]
    [InlineData("application/x-www-form-urlencoded", "username=alice&password=$")]
    public async Task An_app_that_knows_only_user_name_and_password_signs_in_while_regular_login_is_off(string type, string body)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true");
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        Page token = await app.SendAsync(HttpMethod.Post, "/api/token/", Content(body.Replace("$", device.Secret, StringComparison.Ordinal), type));
        Page wrong = await app.SendAsync(HttpMethod.Post, "/api/token/", Content(body.Replace("$", "alice", StringComparison.Ordinal), type));

        Assert.Equal(HttpStatusCode.OK, token.Status);
        Assert.Equal($$"""{"token":"{{device.Secret}}"}""", token.Text);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.Status);
        Assert.Contains("non_field_errors", wrong.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
        Assert.DoesNotContain(world.Paperless.Received, request => request.Path == "/api/token/");
    }

    [Fact]
    public async Task A_Paperless_password_still_gives_Paperless_own_token_while_regular_login_is_on()
    {
        await using World world = await World.StartAsync();
        using Visitor app = world.NewVisitor();

        Page token = await app.SendAsync(HttpMethod.Post, "/api/token/", Content("""{"username":"admin","password":"admin"}""", "application/json"));

        Assert.Equal(HttpStatusCode.OK, token.Status);
        Assert.Contains(world.Paperless.Data.AdminToken, token.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_password_for_uploads_neither_reads_nor_deletes_documents()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice", DeviceScope.UploadOnly);
        using Visitor app = world.NewVisitor();
        (string, string) authorization = ("Authorization", "Token " + device.Secret);
        using MultipartFormDataContent file = new() { { new ByteArrayContent("%PDF-1.4"u8.ToArray()), "document", "letter.pdf" } };

        Page upload = await app.SendAsync(HttpMethod.Post, "/api/documents/post_document/", file, authorization);
        Page settings = await app.GetAsync("/api/ui_settings/", device);
        Page list = await app.GetAsync("/api/documents/", device);
        Page one = await app.GetAsync("/api/documents/1/download/", device);
        Page delete = await app.SendAsync(HttpMethod.Delete, "/api/documents/1/", null, authorization);
        Page change = await app.SendAsync(HttpMethod.Post, "/api/tags/", Content("""{"name":"x"}""", "application/json"), authorization);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (upload.Status, settings.Status));
        Assert.All([list, one, delete, change], page => Assert.Equal(HttpStatusCode.Forbidden, page.Status));
    }

    [Theory]
    [InlineData("POST", "/api/profile/generate_auth_token/")]
    [InlineData("PATCH", "/api/profile/")]
    [InlineData("POST", "/api/profile/totp/")]
    public async Task A_device_password_cannot_be_changed_into_something_that_outlives_it(string method, string path)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        Page refused = await app.SendAsync(new HttpMethod(method), path, Content("{}", "application/json"), ("Authorization", "Token " + device.Secret));
        Page profile = await app.GetAsync("/api/profile/", device);

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Equal(HttpStatusCode.OK, profile.Status);
        Assert.Contains("\"auth_token\":null", profile.Text, StringComparison.Ordinal);
        Assert.Contains("\"first_name\"", profile.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_password_is_no_session_of_a_browser_and_a_session_is_no_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        Assert.True(DeviceCredential.TryParse(device.Secret, out SessionSecret secret));
        using Visitor thief = world.NewVisitor();

        Page page = await thief.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", $"paperless-gateway={secret.ToCookieValue()}"));
        Page own = await thief.FetchAsync(HttpMethod.Get, "/gateway/session", null, ("Authorization", "Token " + device.Secret));

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (page.Status, own.Status));
    }

    [Theory]
    [InlineData("pgd_")]
    [InlineData("pgd_AAAA")]
    [InlineData("pgd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_misspelt_device_password_is_refused_without_asking_Paperless(string text)
    {
        await using World world = await World.StartAsync();
        using Visitor app = world.NewVisitor();
        world.Paperless.ForgetReceived();

        Page page = await app.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Token " + text));

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task A_revoked_device_password_opens_nothing_from_the_next_request_on()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", device);
        DevicePasswords devices = world.Gateway.Services.GetRequiredService<DevicePasswords>();

        await devices.RevokeAsync((await devices.ListAllAsync(World.Ct)).Single(), SessionEnd.EndedByTheUser, World.Ct);
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.Status, after.Status));
    }

    [Fact]
    public async Task Somebody_who_is_refused_at_a_sign_in_because_of_the_groups_loses_the_device_passwords()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "paperless-users");
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", device);
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["family"] });
        using Visitor again = world.NewVisitor();

        Page refused = await again.SignInAsync("alice");
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized), (before.Status, refused.Status, after.Status));
    }

    [Fact]
    public async Task A_sign_out_of_the_browser_leaves_the_device_passwords()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        await alice.NavigateAsync("/accounts/logout/", site: "same-origin");

        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
    }

    [Fact]
    public async Task A_scanner_that_is_used_once_a_month_stays_connected_until_the_lifetime_is_over()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        world.Clock.Advance(TimeSpan.FromDays(170));
        Page before = await app.GetAsync("/api/documents/", device);
        world.Clock.Advance(TimeSpan.FromDays(11));
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.Status, after.Status));
    }

    [Fact]
    public async Task An_inactive_user_loses_the_device_password()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", device);

        world.Paperless.Data.UpdateUser(world.Paperless.Data.FindUser("alice")!.Id, user => user with { IsActive = false });
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.Status, after.Status));
        Assert.Empty(await world.Gateway.Services.GetRequiredService<DevicePasswords>().ListAllAsync(World.Ct));
    }

    [Fact]
    public async Task A_user_that_is_gone_is_not_made_anew_by_an_app()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        world.Paperless.Data.RemoveUser(world.Paperless.Data.FindUser("alice")!.Id);
        Page page = await app.GetAsync("/api/documents/", device);

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Null(world.Paperless.Data.FindUser("alice"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_new_API_token_of_the_user_interrupts_no_app(bool remoteUserApi)
    {
        await using World world = await World.StartAsync(options => options.Paperless = given => given with { RemoteUserApi = remoteUserApi });
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", device);

        world.Paperless.Data.UpdateUser(world.Paperless.Data.FindUser("alice")!.Id, user => user with { Token = "0123456789abcdef0123456789abcdef01234567" });
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.True(after.Status == HttpStatusCode.OK, world.Log.Text);
    }

    [Fact]
    public async Task The_live_status_opens_for_an_app_and_closes_when_its_device_password_is_revoked()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Authorization", "Token " + device.Secret);
        await socket.ConnectAsync(new Uri($"ws://localhost:{world.Port}/ws/status/"), World.Ct);
        await world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
        DevicePasswords devices = world.Gateway.Services.GetRequiredService<DevicePasswords>();

        await devices.RevokeAsync((await devices.ListAllAsync(World.Ct)).Single(), SessionEnd.EndedByTheUser, World.Ct);

        WebSocketReceiveResult close = await socket.ReceiveAsync(new byte[100], World.Ct);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, close.CloseStatus);
        await socket.CloseOutputAsync(WebSocketCloseStatus.PolicyViolation, null, World.Ct);
        await world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);
        await Wait.UntilAsync(() => world.Paperless.Data.Sessions.Count == 1, "The session of the WebSocket ends in Paperless.");
    }

    [Fact]
    public async Task Wrong_device_passwords_are_limited_and_a_right_one_from_the_same_address_is_not_locked_out()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_FAILED_LOGINS"] = "3/5m";
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true";
        });
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        List<HttpStatusCode> guesses = [];
        for (int guess = 0; guess < 4; guess++)
        {
            guesses.Add((await app.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", $"Token pgd_{guess}"))).Status);
        }

        string login = $$"""{"username":"alice","password":"{{device.Secret}}"}""";
        Page wrong = await app.SendAsync(HttpMethod.Post, "/api/token/", Content(login.Replace("pgd_", "pgd_x", StringComparison.Ordinal), "application/json"));
        Page right = await app.SendAsync(HttpMethod.Post, "/api/token/", Content(login, "application/json"));

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests], guesses);
        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (wrong.Status, right.Status));
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
        Assert.Single(world.Log.Of("AddressBlocked"));
    }

    [Fact]
    public async Task The_switch_closes_the_door()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        world.Options.Settings["GATEWAY_APPS"] = "false";
        await world.RestartGatewayAsync();
        using Visitor app = world.NewVisitor();

        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/documents/", device)).Status);
    }

    [Fact]
    public async Task Paperless_own_tokens_can_be_switched_off()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_PAPERLESS_TOKENS"] = "false");
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        Page token = await app.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Token " + world.Paperless.Data.AdminToken));

        Assert.Equal(HttpStatusCode.Unauthorized, token.Status);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
    }

    private static StringContent Content(string text, string type) => new(text, Encoding.UTF8, type);
}
