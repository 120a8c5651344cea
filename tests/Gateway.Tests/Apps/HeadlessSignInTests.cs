using System.Net;
using System.Text.Json.Nodes;
using Gateway.Apps;
using Gateway.Sessions;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>An app's own single sign-on, as Swift Paperless does it.</summary>
public sealed class HeadlessSignInTests
{
    [Fact]
    public Task An_app_signs_in_and_lists_uploads_and_downloads_documents() => SignInAndUseAsync(_ => { });

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task An_app_signs_in_with_Redis_as_the_store()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await SignInAndUseAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
    }

    [Theory]
    [InlineData("PAPERLESS_DISABLE_REGULAR_LOGIN")]
    [InlineData("PAPERLESS_REDIRECT_LOGIN_TO_SSO")]
    public Task Settings_of_the_login_page_do_not_close_an_apps_sign_in(string setting) => SignInAndUseAsync(options => options.Settings[setting] = "true");

    [Fact]
    public Task An_app_signs_in_below_a_script_name_that_is_part_of_its_address() => SignInAndUseAsync(options => options.ScriptName = "/docs");

    private static async Task SignInAndUseAsync(Action<WorldOptions> configure)
    {
        await using World world = await HeadlessWorld.StartAsync(configure);
        using SwiftPaperless app = world.NewPhone();

        string token = await app.SignInAsync(world.BrowserOf("alice"));

        (string, string) authorization = ("Authorization", "Token " + token);
        using MultipartFormDataContent file = new() { { new ByteArrayContent("%PDF-1.4"u8.ToArray()), "document", "letter.pdf" } };
        string api = world.Options.ScriptName + "/api/documents/";
        Page list = await app.Requests.SendAsync(HttpMethod.Get, api, null, authorization);
        Page upload = await app.Requests.SendAsync(HttpMethod.Post, api + "post_document/", file, authorization);
        Page download = await app.Requests.SendAsync(HttpMethod.Get, api + "1/download/", null, authorization);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (list.Status, upload.Status, download.Status));
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
        Assert.True(DeviceCredential.TryParse(token, out _));
        ListedSession device = Assert.Single(await DevicesAsync(world, "alice"));
        Assert.Equal(new DevicePassword("Swift Paperless", DeviceScope.Full, IsOfAppSignIn: true), device.Info.DevicePassword);
        Assert.Equal(world.Clock.GetUtcNow() + TimeSpan.FromDays(180), device.ExpiresAt, TimeSpan.FromSeconds(1));
        Assert.DoesNotContain(token, world.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Paperless.Received, request => request.Path.Contains("/api/auth/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_app_acts_as_the_person_of_the_browsers_sign_in_although_its_client_has_another_issuer()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        int accounts = world.Paperless.Data.Users.Count;

        JsonNode answer = JsonNode.Parse((await world.BringTokenOfAsync("alice")).Text)!;

        Assert.Single(world.Links());
        Assert.Equal(accounts, world.Paperless.Data.Users.Count);
        JsonNode user = answer["data"]!["user"]!;
        Assert.Equal((world.Paperless.Data.FindUser("alice")!.Id, "alice"), ((int)user["id"]!, (string)user["username"]!));
        Assert.Equal("socialaccount", (string)answer["data"]!["methods"]![0]!["method"]!);
    }

    [Fact]
    public async Task Somebody_who_comes_with_an_app_first_gets_an_account_with_the_groups_of_the_provider()
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true");
        world.Paperless.Data.AddGroup("family");
        world.NewPerson("carol", "Carol Cook", "family");

        Page answer = await world.BringTokenOfAsync("carol");

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        Assert.Equal(["family"], world.Paperless.Data.GroupsOf("carol"));
        Assert.Empty(answer.SetCookies);
    }

    [Fact]
    public async Task The_configuration_names_each_provider_with_the_client_of_apps()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();

        JsonNode provider = Assert.Single(await app.ProvidersAsync());

        Assert.Equal(
            ("authentik", "authentik", SwiftPaperless.ClientId, world.Provider.DiscoveryUrl.AbsoluteUri),
            ((string)provider["id"]!, (string)provider["name"]!, (string)provider["client_id"]!, (string)provider["openid_configuration_url"]!));
    }

    [Fact]
    public async Task The_scopes_come_in_a_redirect_to_the_provider_wherever_the_app_wants_to_go()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();

        Page redirect = await app.AskForScopeAsync("authentik", callback: "https://evil.example/");

        Assert.Equal(HttpStatusCode.Found, redirect.Status);
        Assert.Equal(
            new Uri(world.Provider.Address, "/application/o/authorize/").AbsoluteUri
                + "?client_id=paperless-app&response_type=code&scope=openid%20profile%20email",
            redirect.Response.Headers.Location!.OriginalString);
        Assert.Empty(redirect.SetCookies);
    }

    [Theory]
    [InlineData("", "csrftoken")]
    [InlineData("docs-", "docs-csrftoken")]
    public async Task The_sign_in_page_gives_an_app_the_cookie_that_it_waits_for_and_a_browser_none(string prefix, string name)
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["PAPERLESS_COOKIE_PREFIX"] = prefix);
        using SwiftPaperless app = world.NewPhone();
        using Visitor browser = world.NewVisitor();

        string value = await app.GetCsrfTokenAsync(name);
        string again = await app.GetCsrfTokenAsync(name);
        Page page = await browser.OpenAsync("/accounts/login/");

        Assert.Matches("^[a-zA-Z0-9]{32}$", value);
        Assert.Equal(value, again);
        Assert.Empty(page.SetCookies);
    }

    [Fact]
    public async Task The_sixth_sign_in_of_an_app_replaces_its_device_password_that_was_unused_for_the_longest_time()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword own = await world.MakeDevicePasswordAsync("alice", name: "Swift Paperless");
        using SwiftPaperless app = world.NewPhone();
        List<string> tokens = [];
        for (int count = 0; count <= DevicePasswords.MaxPerApp; count++)
        {
            world.Clock.Advance(TimeSpan.FromSeconds(2));
            tokens.Add(await app.SignInAsync(world.BrowserOf("alice")));
        }

        List<HttpStatusCode> answers = [];
        foreach (string token in tokens.Append(own.Secret))
        {
            answers.Add((await app.Requests.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Token " + token))).Status);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, answers[0]);
        Assert.All(answers.Skip(1), status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(DevicePasswords.MaxPerApp + 1, (await DevicesAsync(world, "alice")).Count);
    }

    [Fact]
    public async Task Without_apps_nothing_of_it_is_there()
    {
        await using World world = await HeadlessWorld.StartAsync(options =>
        {
            options.Settings["GATEWAY_APPS"] = "false";
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true";
        });
        using SwiftPaperless app = world.NewPhone();

        Page config = await app.Requests.SendAsync(HttpMethod.Get, "/api/auth/headless/app/v1/config");
        Page redirect = await app.AskForScopeAsync("authentik", csrf: "x");
        Page token = await app.PostAsync("{}");
        Page page = await app.Requests.SendAsync(HttpMethod.Get, "/accounts/login", null, ("Accept", "*/*"));

        Assert.Equal(
            (HttpStatusCode.Unauthorized, HttpStatusCode.NotFound, HttpStatusCode.NotFound),
            (config.Status, redirect.Status, token.Status));
        Assert.Empty(page.SetCookies);
    }

    [Theory]
    [InlineData("POST", "/api/auth/headless/app/v1/auth/login")]
    [InlineData("POST", "/api/auth/headless/app/v1/auth/signup")]
    [InlineData("POST", "/api/auth/headless/app/v1/auth/provider/token/")]
    [InlineData("POST", "/api/auth/headless/APP/v1/auth/provider/token")]
    [InlineData("POST", "/api/auth/headless/browser/v1/auth/provider/token")]
    [InlineData("POST", "/api/auth/headless/app/v1/auth/provider/redirect")]
    [InlineData("POST", "/api/auth/headless/app/v1/auth/provider/signup")]
    [InlineData("POST", "/api/auth/headless/app/v1/config")]
    [InlineData("PUT", "/api/auth/headless/app/v1/auth/provider/token")]
    [InlineData("DELETE", "/api/auth/headless/app/v1/auth/session")]
    public async Task No_other_path_of_allauth_is_opened_for_apps(string method, string path)
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true");
        using Visitor app = world.NewVisitor();

        Page page = await app.SendAsync(new HttpMethod(method), path, new StringContent("{}", System.Text.Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.Empty(world.Forwarded);
    }

    [Theory]
    [InlineData("GET", "/api/auth/headless/app/v1/config")]
    [InlineData("POST", "/api/auth/headless/browser/v1/auth/provider/redirect")]
    [InlineData("POST", "/api/auth/headless/app/v1/auth/provider/token")]
    public async Task Apps_sign_in_at_the_public_host_only(string method, string path)
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "other.example");
        using Visitor app = world.NewVisitor();

        Page page = await app.SendAsync(new HttpMethod(method), path, null, ("Host", "other.example"));

        Assert.Equal(HttpStatusCode.MisdirectedRequest, page.Status);
    }

    [Fact]
    public async Task A_public_client_of_the_provider_itself_may_be_the_apps_where_userinfo_is_asked_with_the_access_token()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = given => given with
            {
                PublicClient = true,
                IncludeClaimsInIdToken = false,
                RedirectUris = [.. given.RedirectUris, DevelopmentProviderOptions.AppRedirectUri],
            };
        });
        JsonObject withoutSecret = ProvidersSetting.Of(world.Provider);
        withoutSecret["secret"] = "";
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(withoutSecret);
        world.StartGateway();
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        JsonNode tokens = await app.GetTokensAsync(provider, world.BrowserOf("alice"));

        Page without = await app.BringAsync(provider, (string)tokens["id_token"]!);
        Page with = await app.BringAsync(provider, (string)tokens["id_token"]!, (string)tokens["access_token"]!);

        Assert.Equal("paperless", (string?)provider["client_id"]);
        Assert.Equal((HttpStatusCode.BadRequest, "token_required"), (without.Status, HeadlessWorld.ErrorOf(without).Code));
        Assert.True(with.Status == HttpStatusCode.OK, with.Text);
        Assert.Single(world.Provider.Received, request => request.Path.EndsWith("/userinfo/", StringComparison.Ordinal));
    }

    private static Task<IReadOnlyList<ListedSession>> DevicesAsync(World world, string person) =>
        world.Gateway.Services.GetRequiredService<DevicePasswords>().FindByPersonAsync(world.KeyOf(person), World.Ct);
}
