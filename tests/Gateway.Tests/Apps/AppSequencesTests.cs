using System.Net;
using System.Text;
using System.Text.Json;
using Gateway.Sessions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>
/// What apps and programs send first, in their order, as their public source has it. Each test names the file that it follows. Each runs with regular
/// login on and off, with a token of Paperless and with a device password.
/// </summary>
public sealed class AppSequencesTests
{
    public static TheoryData<bool, bool> Each => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    /// <summary>
    /// astubenbord/paperless-mobile, `lib/core/service/connectivity_status_service.dart` and
    /// `packages/paperless_api/lib/src/modules/authentication_api/authentication_api_impl.dart`: the server must answer `/api/` with 200, after
    /// redirects, before the app asks for a password.
    /// </summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task Paperless_Mobile_reaches_the_server_before_it_asks_for_a_password(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor app = world.NewVisitor();

        Page reachable = await FollowAsync(app, "/api/");
        string password = deviceSecret ? await DeviceAsync(world) : "alice";
        Page token = await JsonAsync(app, "/api/token/", $$"""{"username":"alice","password":"{{password}}"}""");

        Assert.Equal(HttpStatusCode.OK, reachable.Status);
        await AssertSignInAsync(world, app, token, regularLoginOff && !deviceSecret);
    }

    /// <summary>bearyjd/paperless-go, `lib/core/auth/auth_service.dart`: any answer of `/api/` will do; a token is tried at `/api/statistics/`.</summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task Paperless_Go_signs_in_with_a_password_or_a_token(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor app = world.NewVisitor();
        string secret = deviceSecret ? await DeviceAsync(world) : "alice";

        Page reachable = await app.SendAsync(HttpMethod.Get, "/api/");
        Page token = await JsonAsync(app, "/api/token/", $$"""{"username":"alice","password":"{{secret}}"}""");
        Page byToken = await TokenAsync(app, "/api/statistics/", deviceSecret ? secret : world.Paperless.Data.TokenOf("alice"));

        Assert.Equal((HttpStatusCode.Found, "schema/view/"), (reachable.Status, reachable.Header("Location")));
        await AssertSignInAsync(world, app, token, regularLoginOff && !deviceSecret);
        Assert.Equal(HttpStatusCode.OK, byToken.Status);
    }

    /// <summary>
    /// napoleonmm83/paperless-scanner, `app/src/main/java/com/paperless/scanner/data/repository/AuthRepository.kt`: `/api/` must not be 404, then
    /// `/api/documents/` must be 401, then the password goes into a form; a token is tried at `/api/tags/`.
    /// </summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task Paperless_Scanner_recognises_Paperless_and_signs_in(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor app = world.NewVisitor();
        string secret = deviceSecret ? await DeviceAsync(world, DeviceScope.UploadOnly) : "alice";

        Page api = await FollowAsync(app, "/api/");
        Page documents = await app.SendAsync(HttpMethod.Get, "/api/documents/?page_size=1");
        using FormUrlEncodedContent form = new(new Dictionary<string, string> { ["username"] = "alice", ["password"] = secret });
        Page token = await app.SendAsync(HttpMethod.Post, "/api/token/", form);
        string own = deviceSecret ? secret : world.Paperless.Data.TokenOf("alice");
        Page tags = await TokenAsync(app, "/api/tags/?page_size=1", own);
        Page upload = await UploadAsync(app, "Token " + own);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (api.Status, documents.Status));
        Assert.Equal(regularLoginOff && !deviceSecret ? HttpStatusCode.BadRequest : HttpStatusCode.OK, token.Status);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (tags.Status, upload.Status));
    }

    /// <summary>
    /// bauerj/paperless_app, `lib/api.dart`: `/api/` must be 200, and Basic is tried at `/api/documents/`. It uploads to `/push`, an address of an
    /// older Paperless, which the gateway does not open.
    /// </summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task The_app_paperless_app_lists_documents_by_Basic(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor app = world.NewVisitor();
        string basic = Basic("alice", deviceSecret ? await DeviceAsync(world) : "alice");

        Page reachable = await FollowAsync(app, "/api/");
        Page documents = await app.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", basic));
        Page tags = await app.SendAsync(HttpMethod.Get, "/api/tags/?format=json", null, ("Authorization", basic));
        using StringContent file = new("x");
        Page push = await app.SendAsync(HttpMethod.Post, "/push", file, ("Authorization", basic));

        HttpStatusCode expected = regularLoginOff && !deviceSecret ? HttpStatusCode.Unauthorized : HttpStatusCode.OK;
        Assert.Equal((HttpStatusCode.OK, expected, expected), (reachable.Status, documents.Status, tags.Status));
        Assert.Equal(HttpStatusCode.Unauthorized, push.Status);
    }

    /// <summary>qcasey/paperless_share, `lib/model/auth.dart`: `/api/documents/` must be 401, then the password goes to `/api/token/` as JSON.</summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task Paperless_Share_asks_for_a_token_after_a_401(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor app = world.NewVisitor();
        string password = deviceSecret ? await DeviceAsync(world) : "alice";

        Page documents = await app.SendAsync(HttpMethod.Get, "/api/documents/");
        Page token = await JsonAsync(app, "/api/token/", $$"""{"username":"alice","password":"{{password}}"}""");

        Assert.Equal(HttpStatusCode.Unauthorized, documents.Status);
        await AssertSignInAsync(world, app, token, regularLoginOff && !deviceSecret);
    }

    /// <summary>
    /// clusterzx/paperless-ai, `services/setupService.js` and `services/paperlessService.js`: the token is tried at `/api/documents/`, then at each list
    /// that it reads, and at `/api/`.
    /// </summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task Paperless_AI_reads_the_lists_that_it_needs(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor app = world.NewVisitor();
        string token = deviceSecret ? await DeviceAsync(world) : world.Paperless.Data.TokenOf("alice");

        foreach (string path in (string[])["/api/documents/", "/api/correspondents/", "/api/tags/", "/api/document_types/", "/api/custom_fields/"])
        {
            Page page = await TokenAsync(app, path, token);
            Assert.True(page.Status == HttpStatusCode.OK, $"{path}: {page.Status} {page.Text}");
        }

        Assert.Equal(HttpStatusCode.OK, (await FollowAsync(app, "/api/", ("Authorization", "Token " + token))).Status);
    }

    /// <summary>
    /// home-assistant/core, `homeassistant/components/paperless_ngx/config_flow.py`, which calls tb1337/paperless-api, `pypaperless/api.py` and
    /// `pypaperless/client.py`: the API's description with the token, then `/api/statistics/`.
    /// </summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task Home_Assistant_reads_the_description_of_the_API_and_the_statistics(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor app = world.NewVisitor();
        string token = deviceSecret ? await DeviceAsync(world) : world.Paperless.Data.TokenOf("alice");

        Page schema = await TokenAsync(app, "/api/schema/", token);
        Page statistics = await TokenAsync(app, "/api/statistics/", token);
        Page wrong = await TokenAsync(app, "/api/statistics/", "0123456789abcdef0123456789abcdef01234567");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized), (schema.Status, statistics.Status, wrong.Status));
    }

    /// <summary>
    /// strausmann/paperless-scan-bridge, `components/scan-bridge/internal/destinations/paperless/paperless.go`: one upload with a token, and the answer is
    /// a JSON string. A device that knows user name and password alone sends Basic.
    /// </summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task A_scanner_uploads_by_token_or_by_Basic(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor scanner = world.NewVisitor();
        string secret = deviceSecret ? await DeviceAsync(world, DeviceScope.UploadOnly) : "alice";

        Page byToken = await UploadAsync(scanner, "Token " + (deviceSecret ? secret : world.Paperless.Data.TokenOf("alice")));
        Page byBasic = await UploadAsync(scanner, Basic("alice", secret));

        Assert.Equal(HttpStatusCode.OK, byToken.Status);
        Assert.Equal(JsonValueKind.String, JsonDocument.Parse(byToken.Text).RootElement.ValueKind);
        Assert.Equal(regularLoginOff && !deviceSecret ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, byBasic.Status);
    }

    /// <summary>Paperless has no WebDAV: a scanner that saves to a WebDAV folder cannot save there, with or without the gateway.</summary>
    [Theory]
    [MemberData(nameof(Each))]
    public async Task A_scanner_that_saves_by_WebDAV_finds_no_folder(bool regularLoginOff, bool deviceSecret)
    {
        await using World world = await StartAsync(regularLoginOff);
        using Visitor scanner = world.NewVisitor();
        string basic = Basic("alice", deviceSecret ? await DeviceAsync(world, DeviceScope.UploadOnly) : "alice");
        using ByteArrayContent file = new("%PDF-1.4"u8.ToArray());

        Page options = await scanner.SendAsync(HttpMethod.Options, "/");
        Page folder = await scanner.SendAsync(new HttpMethod("PROPFIND"), "/scans/", null, ("Authorization", basic), ("Depth", "0"));
        Page put = await scanner.SendAsync(HttpMethod.Put, "/scans/letter.pdf", file, ("Authorization", basic));

        Assert.All([options, folder, put], page => Assert.Equal(HttpStatusCode.Unauthorized, page.Status));
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task What_everybody_may_read_is_Paperless_own_answer_without_an_identity()
    {
        await using World world = await World.StartAsync();
        using Visitor app = world.NewVisitor();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        Page schema = await app.SendAsync(HttpMethod.Get, "/api/schema/", null, ("Remote-User", "admin"), ("Cookie", "sessionid=x"));
        Page head = await app.SendAsync(HttpMethod.Head, "/api/schema/view/");
        Page below = await app.SendAsync(HttpMethod.Get, "/api/remote_version/");
        Page session = await alice.FetchAsync("/api/schema/");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (schema.Status, head.Status, session.Status));
        Assert.Contains("openapi", schema.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, below.Status);
        Assert.Empty(schema.SetCookies);
        Assert.DoesNotContain(world.Forwarded[0].Headers, header => header.Key is "Remote-User" or "Cookie");
        Assert.Contains(world.Forwarded[^1].Headers, header => header is { Key: "Remote-User", Value: "alice" });
    }

    private static Task<World> StartAsync(bool regularLoginOff) => World.StartAsync(options =>
        options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = regularLoginOff ? "true" : "false");

    private static async Task<string> DeviceAsync(World world, DeviceScope scope = DeviceScope.Full)
    {
        using Visitor alice = await world.SignedInAsync("alice");
        string secret = (await world.MakeDevicePasswordAsync("alice", scope)).Secret;
        world.Paperless.ForgetReceived();
        return secret;
    }

    private static async Task AssertSignInAsync(World world, Visitor app, Page token, bool isRefused)
    {
        if (isRefused)
        {
            Assert.Equal(HttpStatusCode.BadRequest, token.Status);
            Assert.Contains("non_field_errors", token.Text, StringComparison.Ordinal);
            return;
        }

        Assert.True(token.Status == HttpStatusCode.OK, $"{token.Status}: {token.Text}\n{world.Log.Text}");
        string secret = JsonDocument.Parse(token.Text).RootElement.GetProperty("token").GetString()!;
        Assert.Equal(HttpStatusCode.OK, (await TokenAsync(app, "/api/documents/", secret)).Status);
    }

    /// <summary>As the HTTP clients of the apps follow redirects by themselves.</summary>
    private static async Task<Page> FollowAsync(Visitor app, string path, params (string, string)[] headers)
    {
        Page page = await app.SendAsync(HttpMethod.Get, path, null, headers);
        for (int redirects = 0; page.Location is { } location && redirects < 5; redirects++)
        {
            page = await app.SendAsync(HttpMethod.Get, location.AbsoluteUri, null, headers);
        }

        return page;
    }

    private static async Task<Page> JsonAsync(Visitor app, string path, string json)
    {
        using StringContent content = new(json, Encoding.UTF8, "application/json");
        return await app.SendAsync(HttpMethod.Post, path, content);
    }

    private static Task<Page> TokenAsync(Visitor app, string path, string token) =>
        app.SendAsync(HttpMethod.Get, path, null, ("Accept", "application/json; version=9"), ("Authorization", "Token " + token));

    private static async Task<Page> UploadAsync(Visitor app, string authorization)
    {
        using MultipartFormDataContent file = new() { { new ByteArrayContent("%PDF-1.4"u8.ToArray()), "document", "letter.pdf" } };
        return await app.SendAsync(HttpMethod.Post, "/api/documents/post_document/", file, ("Authorization", authorization));
    }

    private static string Basic(string name, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"));
}
