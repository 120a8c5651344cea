using CsCheck;
using Gateway.Access;
using Gateway.Settings;

namespace Gateway.Tests.Access;

/// <summary>The access rules, row by row: what each path and method needs.</summary>
public sealed class AccessTableTests
{
    private static readonly string[] Methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get", "post"];

    private static readonly string[] Segments
        = ["/admin", "/api", "/static", "/share", "/accounts", "/login", "/logout", "/token", "/ws", "/logo", "/signup", "/gateway", "/assets"];

    private static readonly AccessTable[] Rules = [new(false, false), new(false, true), new(true, false), new(true, true)];

    [Theory]
    [InlineData("GET", "/accounts/login/")]
    [InlineData("HEAD", "/accounts/login")]
    [InlineData("GET", "/Accounts/LOGIN/")]
    [InlineData("GET", "/accounts/oidc/authentik/login/")]
    [InlineData("GET", "/accounts/oidc/authentik/login/callback/")]
    [InlineData("POST", "/accounts/oidc/authentik/logout/backchannel/")]
    [InlineData("GET", "/accounts/oidc/authentik/logout/frontchannel/")]
    [InlineData("POST", "/ACCOUNTS/OIDC/x")]
    [InlineData("GET", "/accounts/logout/")]
    [InlineData("GET", "/accounts/logout")]
    [InlineData("POST", "/accounts/logout/")]
    [InlineData("GET", "/api/auth/logout/")]
    [InlineData("POST", "/api/auth/logout")]
    [InlineData("POST", "/admin/logout/")]
    [InlineData("GET", "/Admin/Logout")]
    [InlineData("GET", "/gateway/session")]
    [InlineData("GET", "/gateway/")]
    [InlineData("GET", "/gateway")]
    [InlineData("POST", "/Gateway/anything/below")]
    public void The_gateway_answers_its_own_paths_itself_with_and_without_a_session(string method, string path) =>
        Assert.All(EachWay(method, path), access => Assert.Equal(AccessDecision.GatewayEndpoint, access));

    [Theory]
    [InlineData("/static/frontend/main.js")]
    [InlineData("/favicon.ico")]
    [InlineData("/assets/logo.svg")]
    [InlineData("/logo")]
    [InlineData("/logo/custom.png")]
    [InlineData("/share/abc_DEF-123")]
    [InlineData("/share/abc/")]
    public void Public_paths_are_readable_without_a_session(string path)
    {
        Assert.All(EachWay("GET", path).Concat(EachWay("HEAD", path)), access => Assert.Equal(AccessDecision.Public, access));
        Assert.All(
            ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"],
            method => Assert.All(EachWay(method, path, hasSession: false), access => Assert.Equal(AccessDecision.SignInFirst, access)));
    }

    [Theory]
    [InlineData("/Static/x.js")]
    [InlineData("/static")]
    [InlineData("/staticx/x.js")]
    [InlineData("/x/static/x.js")]
    [InlineData("/FAVICON.ICO")]
    [InlineData("/favicon.ico/")]
    [InlineData("/logos")]
    [InlineData("/Share/abc")]
    [InlineData("/share/")]
    [InlineData("/share//")]
    [InlineData("/share/a/b")]
    [InlineData("/share/a.b")]
    [InlineData("/share/a%2Fb")]
    [InlineData("/share/é")]
    [InlineData("/x/share/abc")]
    [InlineData("/")]
    [InlineData("/dashboard")]
    [InlineData("/documents/2/details")]
    [InlineData("/api")]
    [InlineData("/api/documents/")]
    [InlineData("/API/")]
    [InlineData("/api/schema")]
    [InlineData("/api/Schema/")]
    [InlineData("/api/schema/view")]
    [InlineData("/api/schema/view/x")]
    [InlineData("/api/schema/swagger-ui/")]
    [InlineData("/api/auth/headless/browser/v1/config")]
    [InlineData("/api/oauth/callback/")]
    [InlineData("/ws/status/")]
    [InlineData("/admin/")]
    [InlineData("/admin/documents/document/")]
    [InlineData("/robots.txt")]
    [InlineData("/gatewayx")]
    [InlineData("/accountsx")]
    [InlineData("/fetch/doc/1")]
    public void Every_other_path_requires_a_session_and_is_forwarded_with_the_user_header(string path)
    {
        Assert.All(EachWay("GET", path, hasSession: false), access => Assert.Equal(AccessDecision.SignInFirst, access));
        Assert.All(EachWay("GET", path, hasSession: true), access => Assert.Equal(AccessDecision.WithIdentity, access));
        Assert.Equal(AccessDecision.WithIdentity, Rules[0].Decide("POST", path, hasSession: true, AuthorizationScheme.None));
        Assert.Equal(AccessDecision.SignInFirst, Rules[0].Decide("POST", path, hasSession: false, AuthorizationScheme.None));
    }

    [Theory]
    [InlineData("/api/")]
    [InlineData("/api/schema/")]
    [InlineData("/api/schema/view/")]
    public void Everybody_may_read_the_description_of_the_API_as_Paperless_shows_it(string path)
    {
        Assert.All(EachWay("GET", path, hasSession: false), access => Assert.Equal(AccessDecision.Public, access));
        Assert.All(EachWay("HEAD", path, hasSession: false), access => Assert.Equal(AccessDecision.Public, access));
        Assert.All(EachWay("GET", path, hasSession: true), access => Assert.Equal(AccessDecision.WithIdentity, access));
        Assert.All(
            ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"],
            method => Assert.All(EachWay(method, path, hasSession: false), access => Assert.Equal(AccessDecision.SignInFirst, access)));
        Assert.Equal(AccessDecision.WithCredential, Rules[0].Decide("GET", path, hasSession: false, AuthorizationScheme.Token));
        Assert.Equal(AccessDecision.CredentialRefused, Rules[0].Decide("GET", path, hasSession: false, AuthorizationScheme.Other));
    }

    [Theory]
    [InlineData("/api/documents/", true)]
    [InlineData("/api/token/", true)]
    [InlineData("/api/", true)]
    [InlineData("/API/documents/", false)]
    [InlineData("/dashboard", false)]
    [InlineData("/api/x/admin/", false)]
    [InlineData("/admin/documents/", false)]
    public void A_preflight_of_a_named_origin_opens_the_API_alone(string path, bool isOpen) => Assert.All(Rules, rule => Assert.Equal(
        isOpen,
        rule.Decide("OPTIONS", path, hasSession: false, AuthorizationScheme.None, isPreflight: true) == AccessDecision.Public));

    [Theory]
    [InlineData("?password=1", true)]
    [InlineData("?next=%2F&password=1", true)]
    [InlineData("?password", true)]
    [InlineData("?password=&loggedout=1", true)]
    [InlineData("", false)]
    [InlineData("?", false)]
    [InlineData("?next=%2F%3Fpassword%3D1", false)]
    [InlineData("?passwords=1", false)]
    [InlineData("?xpassword=1", false)]
    [InlineData("?p%61ssword=1", false)]
    [InlineData("?next=password=1", false)]
    public void Paperless_own_sign_in_page_opens_only_with_the_password_parameter(string query, bool paperless) =>
        Assert.All(["/accounts/login/", "/accounts/login", "/Accounts/Login/"], path => Assert.All(["GET", "HEAD"], method =>
        {
            Assert.All(Rules[..2], rule => Assert.Equal(
                paperless ? AccessDecision.AccountPages : AccessDecision.GatewayEndpoint,
                rule.Decide(method, path, hasSession: false, AuthorizationScheme.None, query)));
            Assert.All(Rules[..2],
                rule => Assert.Equal(AccessDecision.GatewayEndpoint, rule.Decide(method, path, hasSession: true, AuthorizationScheme.None, query)));
            Assert.All(Rules[2..],
                rule => Assert.Equal(AccessDecision.GatewayEndpoint, rule.Decide(method, path, hasSession: false, AuthorizationScheme.None, query)));
        }));

    [Theory]
    [InlineData("POST", "/accounts/login/")]
    [InlineData("POST", "/accounts/login")]
    [InlineData("GET", "/accounts/password/reset/")]
    [InlineData("POST", "/accounts/password/reset/key/1-abc/")]
    [InlineData("GET", "/accounts/2fa/authenticate/")]
    [InlineData("GET", "/Accounts/Password/reset/")]
    [InlineData("GET", "/accounts/")]
    [InlineData("GET", "/accounts/loginx/")]
    [InlineData("GET", "/admin/login/")]
    [InlineData("POST", "/admin/login/")]
    [InlineData("POST", "/admin/login")]
    [InlineData("POST", "/Admin/Login/")]
    public void Paperless_own_account_pages_are_reachable_while_regular_login_is_on(string method, string path)
    {
        Assert.All(Rules[..2], rule => Assert.Equal(AccessDecision.AccountPages, rule.Decide(method, path, hasSession: false, AuthorizationScheme.None)));
        Assert.All(Rules[..2], rule => Assert.Equal(AccessDecision.WithIdentity, rule.Decide(method, path, hasSession: true, AuthorizationScheme.None)));
        Assert.All(Rules[2..], rule => Assert.Equal(AccessDecision.Closed, rule.Decide(method, path, hasSession: false, AuthorizationScheme.None)));
        Assert.All(Rules[2..], rule => Assert.Equal(AccessDecision.Closed, rule.Decide(method, path, hasSession: true, AuthorizationScheme.None)));
    }

    [Theory]
    [InlineData("GET", "/accounts/signup/")]
    [InlineData("POST", "/accounts/signup/")]
    [InlineData("POST", "/Accounts/SignUp/")]
    [InlineData("POST", "/accounts/3rdparty/signup/")]
    public void Sign_up_is_closed_unless_allowed_because_the_first_account_becomes_superuser(string method, string path)
    {
        Assert.All(
            [Rules[0], Rules[2], Rules[3]],
            rule => Assert.Equal(AccessDecision.Closed, rule.Decide(method, path, hasSession: false, AuthorizationScheme.None)));
        Assert.Equal(AccessDecision.AccountPages, Rules[1].Decide(method, path, hasSession: false, AuthorizationScheme.None));
    }

    [Theory]
    [InlineData("/api/auth/headless/app/v1/auth/signup")]
    [InlineData("/api/auth/headless/browser/v1/auth/provider/signup")]
    [InlineData("/API/auth/headless/app/v1/auth/SIGNUP")]
    public void An_unverified_token_does_not_open_the_closed_sign_up(string path) => Assert.All(
        new[] { AuthorizationScheme.None, AuthorizationScheme.Token, AuthorizationScheme.Basic },
        credential => Assert.Equal(AccessDecision.Closed, Rules[0].Decide("POST", path, hasSession: false, credential)));

    [Theory]
    [InlineData("/x/admin/login/")]
    [InlineData("/xadmin/login/")]
    [InlineData("/api/admin/login/")]
    [InlineData("/static/admin/login/")]
    [InlineData("/share/admin/login/")]
    [InlineData("/a/b/Admin/LOGIN/")]
    [InlineData("/admin/login/x")]
    [InlineData("/x/admin/logout/")]
    [InlineData("/myadmin/logout/")]
    [InlineData("/admin/logout/x")]
    public void Admin_login_and_logout_paths_under_another_prefix_are_closed(string path)
    {
        Assert.All(Methods, method => Assert.All(
            EachWay(method, path),
            access => Assert.True(access is AccessDecision.NotFound or AccessDecision.Closed, $"{method} {path}: {access}")));
        Assert.Equal(AccessDecision.NotFound, Rules[0].Decide("GET", path, hasSession: true, AuthorizationScheme.None));
        Assert.Equal(AccessDecision.Closed, Rules[2].Decide("GET", path, hasSession: true, AuthorizationScheme.None));
    }

    [Theory]
    [InlineData(AuthorizationScheme.Token, false, AccessDecision.WithCredential)]
    [InlineData(AuthorizationScheme.Token, true, AccessDecision.WithCredential)]
    [InlineData(AuthorizationScheme.Basic, false, AccessDecision.WithCredential)]
    [InlineData(AuthorizationScheme.Basic, true, AccessDecision.CredentialRefused)]
    [InlineData(AuthorizationScheme.Other, false, AccessDecision.CredentialRefused)]
    [InlineData(AuthorizationScheme.Other, true, AccessDecision.CredentialRefused)]
    internal void An_api_credential_wins_over_the_session(AuthorizationScheme credential, bool regularLoginDisabled, AccessDecision expected)
    {
        AccessTable rule = new(regularLoginDisabled, signupsAllowed: false);
        foreach (bool hasSession in new[] { false, true })
        {
            Assert.Equal(expected, rule.Decide("GET", "/api/documents/", hasSession, credential));
            Assert.Equal(expected, rule.Decide("POST", "/api/documents/post_document/", hasSession, credential));
        }
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api")]
    [InlineData("/API/documents/")]
    [InlineData("/xapi/documents/")]
    [InlineData("/ws/status/")]
    [InlineData("/admin/")]
    public void A_credential_is_accepted_below_the_API_only(string path)
    {
        Assert.Equal(AccessDecision.SignInFirst, Rules[0].Decide("GET", path, hasSession: false, AuthorizationScheme.Token));
        Assert.Equal(AccessDecision.WithIdentity, Rules[0].Decide("GET", path, hasSession: true, AuthorizationScheme.Token));
    }

    [Theory]
    [InlineData("GET", false, false, AccessDecision.Public)]
    [InlineData("GET", true, true, AccessDecision.Public)]
    [InlineData("HEAD", true, false, AccessDecision.Public)]
    [InlineData("POST", false, false, AccessDecision.Public)]
    [InlineData("POST", false, true, AccessDecision.Public)]
    [InlineData("POST", true, false, AccessDecision.Closed)]
    [InlineData("POST", true, true, AccessDecision.Closed)]
    [InlineData("post", true, false, AccessDecision.Closed)]
    [InlineData("PUT", true, false, AccessDecision.Closed)]
    [InlineData("PUT", false, false, AccessDecision.SignInFirst)]
    [InlineData("PUT", false, true, AccessDecision.WithIdentity)]
    internal void The_token_endpoint_takes_passwords_while_regular_login_is_on(
        string method,
        bool regularLoginDisabled,
        bool hasSession,
        AccessDecision expected)
    {
        AccessTable rule = new(regularLoginDisabled, signupsAllowed: false);
        Assert.All(["/api/token", "/API/Token/"], path => Assert.Equal(expected, rule.Decide(method, path, hasSession, AuthorizationScheme.None)));
        AccessDecision exact = HttpMethods.IsPost(method) ? AccessDecision.TokenForPassword : expected;
        Assert.Equal(exact, rule.Decide(method, "/api/token/", hasSession, AuthorizationScheme.None));
        Assert.Equal(exact, rule.Decide(method, "/api/token/", hasSession, AuthorizationScheme.Basic));
        AccessTable withoutApps = new(regularLoginDisabled, signupsAllowed: false, new AppSettings { IsOn = false });
        Assert.Equal(expected, withoutApps.Decide(method, "/api/token/", hasSession, AuthorizationScheme.None));
    }

    [Theory]
    [InlineData("/api/token/x")]
    [InlineData("/api/token/share/abc")]
    public void Paths_below_the_token_endpoint_are_closed(string path)
    {
        Assert.All(
            Methods,
            method => Assert.All(EachWay(method, path, hasSession: false, rules: Rules[..2]), access => Assert.Equal(AccessDecision.SignInFirst, access)));
        Assert.All(Rules[2..], rule => Assert.Equal(AccessDecision.Closed, rule.Decide("POST", path, hasSession: false, AuthorizationScheme.None)));
    }

    [Fact]
    public void With_regular_login_disabled_no_password_endpoint_of_Paperless_is_reachable()
    {
        string[] doors = ["/accounts/login/", "/accounts/login", "/admin/login/", "/xadmin/login/", "/api/token", "/api/auth/headless/app/v1/auth/login",
            "/api/auth/headless/browser/v1/auth/provider/token", "/accounts/signup/", "/accounts/password/reset/"];
        Assert.All(doors, door => Assert.All(EachWay("POST", door, rules: Rules[2..]), access => Assert.Equal(AccessDecision.Closed, access)));
    }

    [Fact]
    public void An_anonymous_request_is_allowed_on_the_public_paths_only()
    {
        Gen<string> path = Gen.OneOf(
                Gen.Int[0, Segments.Length - 1].Select(index => Segments[index]),
                Gen.Char["/aA.-"].Select(letter => letter.ToString()))
            .Array[1, 5].Select(string.Concat);
        Gen.Select(path, Gen.Int[0, Methods.Length - 1], Gen.Int[0, 3]).Sample((given, method, rule) =>
        {
            string whole = given.StartsWith('/') ? given : "/" + given;
            AccessDecision access = Rules[rule].Decide(Methods[method], whole, hasSession: false, AuthorizationScheme.None);

            Assert.NotEqual(AccessDecision.WithIdentity, access);
            Assert.NotEqual(AccessDecision.WithCredential, access);
            if (access == AccessDecision.Public)
            {
                Assert.Matches("^(/static/|/assets/|/logo(/|$)|/share/[A-Za-z0-9_-]+/*$|(?i:/api/token/?$)|/api/(schema/(view/)?)?$)", whole);
            }

            if (access == AccessDecision.AccountPages)
            {
                Assert.Matches("(?i)^/(accounts(/|$)|admin/login/?$)", whole);
            }
        }, iter: 20_000);
    }

    /// <summary>Whatever the settings, the session and the credential (where they have no say).</summary>
    private static IEnumerable<AccessDecision> EachWay(string method, string path, bool? hasSession = null, AccessTable[]? rules = null) =>
        from rule in rules ?? Rules
        from session in hasSession is { } fixedSession ? new[] { fixedSession } : [false, true]
        from credential in path.StartsWith("/api/", StringComparison.Ordinal)
            ? new[] { AuthorizationScheme.None }
            : [AuthorizationScheme.None, AuthorizationScheme.Token, AuthorizationScheme.Other]
        select rule.Decide(method, path, session, credential);
}
