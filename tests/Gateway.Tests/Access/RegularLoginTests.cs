using System.Net;
using System.Text;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Access;

/// <summary>`PAPERLESS_DISABLE_REGULAR_LOGIN` and sign-up: every path on which Paperless accepts a password or a new account.</summary>
public sealed class RegularLoginTests
{
    private static readonly (string Method, string Path)[] Doors =
    [
        ("POST", "/accounts/login/"), ("POST", "/accounts/login"), ("POST", "/ACCOUNTS/Login/"), ("PUT", "/accounts/login/"),
        ("GET", "/accounts/password/reset/"), ("POST", "/accounts/password/reset/"), ("POST", "/accounts/password/change/"),
        ("GET", "/accounts/signup/"), ("POST", "/accounts/signup/"), ("POST", "/accounts/3rdparty/signup/"), ("POST", "/accounts/reauthenticate/"),
        ("GET", "/admin/login/"), ("POST", "/admin/login/"), ("POST", "/admin/login"), ("POST", "/ADMIN/login/"), ("POST", "/x/admin/login/"),
        ("POST", "/x/Admin/Login/y"), ("POST", "/static/admin/login/"), ("GET", "/static/admin/login/"), ("POST", "/%61dmin/login/"),
        ("POST", "/api/token/"), ("POST", "/api/token"), ("POST", "/API/token/"), ("POST", "/api/token/x"), ("PUT", "/api/token/"),
        ("GET", "/api/auth/login/"), ("POST", "/api/auth/login/"), ("POST", "/api/auth/login"), ("POST", "/api/AUTH/login/"),
        ("POST", "/api/auth/headless/browser/v1/auth/login"), ("POST", "/api/auth/headless/app/v1/auth/login"),
        ("POST", "/api/auth/headless/app/v1/auth/signup"),
        ("POST", "/API/auth/headless/app/v1/auth/login"), ("PUT", "/api/auth/headless/app/v1/auth/login"),
    ];

    [Fact]
    public async Task With_regular_login_disabled_no_password_reaches_Paperless()
    {
        await using World world = await StartAsync(regularLogin: false);
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor nobody = world.NewVisitor();
        world.Paperless.ForgetReceived();

        foreach ((string method, string path) in Doors)
        {
            foreach ((string Name, string Value)[] credential in ((string, string)[][])[[], [("Authorization", "Token nope")], [Basic]])
            {
                Page closed = await nobody.SendAsync(new HttpMethod(method), path, Password(), credential);
                Page closedToo = await alice.FetchAsync(new HttpMethod(method), path, Password(), credential);
                HttpStatusCode expected = (method, path) == ("POST", "/api/token/") ? HttpStatusCode.BadRequest : HttpStatusCode.NotFound;
                Assert.True(closed.Status == expected, $"{method} {path}: {(int)closed.Status}");
                Assert.True(closedToo.Status == expected, $"{method} {path} on a session: {(int)closedToo.Status}");
            }
        }

        Page basic = await nobody.SendAsync(HttpMethod.Get, "/api/documents/", null, Basic);
        Page basicOnSession = await alice.FetchAsync(HttpMethod.Get, "/api/documents/", null, Basic);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (basic.Status, basicOnSession.Status));
        Assert.DoesNotContain("WWW-Authenticate", basic.Response.Headers.Select(header => header.Key));
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task With_regular_login_disabled_tokens_and_the_first_requests_of_mobile_apps_still_work()
    {
        await using World world = await StartAsync(regularLogin: false);
        using Visitor program = world.NewVisitor();

        Page token = await program.SendAsync(HttpMethod.Get, "/api/users/", null, ("Authorization", "Token " + world.Paperless.Data.AdminToken));
        Page probe = await program.SendAsync(HttpMethod.Get, "/api/token/", null, ("Accept", "application/json; version=9"));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.MethodNotAllowed), (token.Status, probe.Status));
    }

    [Fact]
    public async Task A_disabled_password_page_names_the_setting_and_links_to_the_sign_in()
    {
        await using World world = await StartAsync(regularLogin: false);
        using Visitor nobody = world.NewVisitor();

        Page page = await nobody.OpenAsync("/admin/login/");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.Contains("PAPERLESS_DISABLE_REGULAR_LOGIN", page.Text, StringComparison.Ordinal);
        Assert.Contains("/accounts/login/", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_regular_login_enabled_a_password_gets_a_token_and_opens_the_admin_login()
    {
        await using World world = await StartAsync(regularLogin: true);
        using Visitor nobody = world.NewVisitor();

        Page token = await nobody.SendAsync(HttpMethod.Post, "/api/token/", PaperlessClient.Json("""{"username":"alice","password":"alice"}"""));
        Page page = await nobody.OpenAsync("/admin/login/");
        using FormUrlEncodedContent form = new(
            new Dictionary<string, string> { ["username"] = "admin", ["password"] = "admin", ["csrfmiddlewaretoken"] = nobody.Cookie("csrftoken")! });
        Page login = await nobody.SendAsync(HttpMethod.Post, "/admin/login/", form, ("Origin", world.Origin), ("Sec-Fetch-Site", "same-origin"));

        Assert.Equal($$"""{"token":"{{world.Paperless.Data.TokenOf("alice")}}"}""", token.Text);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Redirect, "admin"), (page.Status, login.Status, world.Forwarded[^1].SignedInAs));
    }

    [Theory]
    [InlineData("/accounts/signup/")]
    [InlineData("/accounts/signup")]
    [InlineData("/Accounts/Signup/")]
    [InlineData("/accounts/signup/x/y")]
    [InlineData("/accounts/3rdparty/signup/")]
    public async Task Sign_up_on_a_fresh_install_does_not_create_a_superuser(string path)
    {
        await using World world = await StartAsync(regularLogin: true, fresh: true);
        using Visitor nobody = world.NewVisitor();
        await nobody.OpenAsync("/accounts/password/reset/");

        Page page = await nobody.OpenAsync(path);
        Page post = await nobody.SendAsync(HttpMethod.Post, path, SignUpForm(nobody), ("Origin", world.Origin), ("Sec-Fetch-Site", "same-origin"));

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (page.Status, post.Status));
        Assert.Contains("PAPERLESS_ACCOUNT_ALLOW_SIGNUPS", page.Text, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Data.Users);
    }

    [Fact]
    public async Task Sign_up_is_open_where_the_settings_allow_sign_up()
    {
        await using World world = await StartAsync(regularLogin: true, signUp: true);
        using Visitor nobody = world.NewVisitor();
        await nobody.OpenAsync("/accounts/signup/");

        await nobody.SendAsync(HttpMethod.Post, "/accounts/signup/", SignUpForm(nobody), ("Origin", world.Origin), ("Sec-Fetch-Site", "same-origin"));

        Assert.NotNull(world.Paperless.Data.FindUser("mallory"));
    }

    [Fact]
    public async Task Sign_up_stays_closed_with_regular_login_disabled_even_if_allowed()
    {
        await using World world = await StartAsync(regularLogin: false, signUp: true);
        using Visitor nobody = world.NewVisitor();

        Page page = await nobody.OpenAsync("/accounts/signup/");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.Empty(world.Forwarded);
    }

    private static (string Name, string Value) Basic => ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("admin:admin")));

    private static FormUrlEncodedContent Password()
        => new(new Dictionary<string, string> { ["username"] = "admin", ["login"] = "admin", ["password"] = "admin" });

    private static FormUrlEncodedContent SignUpForm(Visitor visitor) => new(new Dictionary<string, string>
    {
        ["username"] = "mallory",
        ["email"] = "mallory@example.com",
        ["password1"] = "correct horse",
        ["password2"] = "correct horse",
        ["csrfmiddlewaretoken"] = visitor.Cookie("csrftoken") ?? "",
    });

    private static Task<World> StartAsync(bool regularLogin, bool signUp = false, bool fresh = false) => World.StartAsync(options =>
    {
        options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = regularLogin ? "false" : "true";
        options.Settings["PAPERLESS_ACCOUNT_ALLOW_SIGNUPS"] = signUp ? "true" : "false";

        // Paperless itself stays open: it is the gateway that must hold.
        options.Paperless = paperless => paperless with { AccountAllowSignups = signUp, Fresh = fresh, WithPeople = !fresh };
    });
}
