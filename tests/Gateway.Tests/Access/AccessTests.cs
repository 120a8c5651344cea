using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>The access rules over HTTP: which requests reach Paperless, and with which headers.</summary>
public sealed class AccessTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"];

    /// <summary>Paths with the methods that get through to Paperless without a session and without a credential.</summary>
    private static readonly Dictionary<string, string[]> Anonymous = new()
    {

        // Kept in memory from the first request on; one that cannot be kept is asked for twice, once to find that out.
        ["/static/signin.css"] = ["GET"],
        ["/static/no/such.js"] = ["GET", "HEAD"],
        ["/favicon.ico"] = ["GET"],
        ["/assets/logo-notext.svg"] = ["GET", "HEAD"],
        ["/logo"] = ["GET", "HEAD"],
        ["/logo/mine.png"] = ["GET", "HEAD"],
        ["/share/abcDEF123_-"] = ["GET", "HEAD"],
        ["/share/abc/"] = ["GET", "HEAD"],
        ["/api/token/"] = ["GET", "HEAD", "POST"],
        ["/api/token"] = ["GET", "HEAD", "POST"],
        ["/accounts/login/"] = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"],
        ["/accounts/password/reset/"] = Methods,
        ["/accounts/confirm-email/key/"] = Methods,
        ["/admin/login/"] = Methods,

        ["/"] = [],
        ["/dashboard"] = [],
        ["/documents/1/details"] = [],
        ["/robots.txt"] = [],
        ["/static"] = [],
        ["/Static/signin.css"] = [],
        ["/x/static/signin.css"] = [],
        ["/assets"] = [],
        ["/favicon.ico/"] = [],
        ["/logo.png"] = [],
        ["/share/"] = [],
        ["/share/a/b"] = [],
        ["/SHARE/abc"] = [],
        ["/x/share/abc"] = [],
        ["/share/%61%20b"] = [],
        ["/api/"] = ["GET", "HEAD"],
        ["/api/documents/"] = [],
        ["/api/documents/post_document/"] = [],
        ["/api/schema/"] = ["GET", "HEAD"],
        ["/api/remote_version/"] = [],
        ["/api/users/"] = [],
        ["/api/auth/login/"] = [],
        ["/api/auth/headless/app/v1/config"] = [],
        ["/API/documents/"] = [],
        ["/admin/"] = [],
        ["/admin/auth/user/"] = [],
        ["/x/admin/login/"] = [],
        ["/static/admin/login/"] = [],
        ["/share/admin/login/"] = [],
        ["/accounts/signup/"] = [],
        ["/accounts/3rdparty/signup/"] = [],
        ["/accounts/logout/"] = [],
        ["/accounts/oidc/authentik/login/callback/"] = [],
        ["/api/auth/logout/"] = [],
        ["/admin/logout/"] = [],
        ["/x/admin/logout/"] = [],
        ["/gateway/"] = [],
        ["/gateway/session"] = [],
        ["/ws/status/"] = [],
        ["/fetch/doc/1"] = [],
    };

    private World World => shared.World;

    [Fact]
    public async Task Anonymous_requests_reach_Paperless_on_public_paths_only()
    {
        using Visitor nobody = World.NewVisitor();
        World.Paperless.ForgetReceived();
        List<string> expected = [];
        foreach ((string path, string[] through) in Anonymous)
        {
            foreach (string method in Methods)
            {
                Page page = await nobody.SendAsync(new HttpMethod(method), path, null, ("Remote-User", "admin"), ("Cookie", "csrftoken=a; sessionid="));
                Assert.True((int)page.Status < 500, $"{method} {path}: {(int)page.Status}");
                if (through.Contains(method))
                {
                    expected.Add($"{method} {path}");
                }
            }
        }

        Assert.Equal(expected, World.Forwarded.Select(request => $"{request.Method} {request.RawPath}").Distinct());
        Assert.All(World.Forwarded, request => Assert.Empty(request.Lines("Remote-User")));
        Assert.All(World.Forwarded, request => Assert.Null(request.SignedInAs));
    }

    [Fact]
    public async Task Requests_to_public_paths_carry_no_user_header_and_no_cookies()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();
        string[] paths = [.. Anonymous.Where(entry => entry.Value is ["GET", "HEAD"]).Select(entry => entry.Key)
            .Where(path => !path.StartsWith("/api/", StringComparison.Ordinal)), "/api/token/"];

        foreach (string path in paths)
        {
            Page page = await alice.OpenAsync(path, "same-origin", ("Authorization", "Token " + World.Paperless.Data.AdminToken));
            Assert.Empty(page.SetCookies);
        }

        Assert.Equal(paths, World.Forwarded.Select(request => request.RawPath).Distinct());
        Assert.All(World.Forwarded, request => Assert.DoesNotContain(request.Headers, header => header.Key is "Remote-User" or "Cookie" or "Authorization"));
    }

    [Theory]
    [InlineData("/documents/2?page=1&q=a%20b", "/accounts/login/?next=%2Fdocuments%2F2%3Fpage%3D1%26q%3Da%2520b")]
    [InlineData("/api/documents/1/download/", "/accounts/login/?next=%2Fapi%2Fdocuments%2F1%2Fdownload%2F")]
    [InlineData("/", "/accounts/login/?next=%2F")]
    public async Task A_navigation_without_a_session_is_redirected_to_the_sign_in_and_back(string path, string location)
    {
        using Visitor nobody = World.NewVisitor();

        Page modern = await nobody.OpenAsync(path);
        Page old = await nobody.SendAsync(HttpMethod.Get, path, null, ("Accept", "text/html"));

        Assert.Equal((HttpStatusCode.Redirect, location), (modern.Status, modern.Header("Location")));
        Assert.Equal((HttpStatusCode.Redirect, location), (old.Status, old.Header("Location")));
        Assert.Equal("no-store", modern.Header("Cache-Control"));
    }

    [Theory]
    [InlineData("GET", "/api/documents/", "cors", "empty")]
    [InlineData("GET", "/dashboard", "no-cors", "script")]
    [InlineData("GET", "/dashboard", "navigate", "iframe")]
    [InlineData("POST", "/dashboard", "navigate", "document")]
    [InlineData("GET", "/ws/status/", "navigate", "document")]
    public async Task Other_requests_without_a_session_get_401_as_problem_json_without_a_challenge(string method, string path, string mode, string destination)
    {
        using Visitor nobody = World.NewVisitor();

        Page page = await nobody.SendAsync(new HttpMethod(method), path, null, ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", destination), ("Accept", "*/*"));

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Null(page.Header("WWW-Authenticate"));
        Assert.Equal("no-store", page.Header("Cache-Control"));
        if (mode != "navigate" || destination != "document")
        {
            Assert.Equal("application/problem+json", page.Response.Content.Headers.ContentType?.MediaType);
            Assert.Contains("\"code\":\"not_signed_in\"", page.Text, StringComparison.Ordinal);
            Assert.Contains("\"traceId\":\"", page.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("POST /api/documents/post_document/", "Content-Length: 1073741824\r\n", 401)]
    [InlineData("POST /api/documents/post_document/", "Content-Length: 1073741824\r\nExpect: 100-continue\r\n", 401)]
    [InlineData("PATCH /api/documents/1/", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", 401)]
    [InlineData("PATCH /api/documents/1/", "Transfer-Encoding: chunked\r\n", 401)]
    [InlineData("POST /api/documents/post_document/", "Content-Length: 1073741824\r\nExpect: 100-continue\r\nAuthorization: Bearer x\r\n", 401)]
    [InlineData("POST /accounts/signup/", "Content-Length: 1073741824\r\nExpect: 100-continue\r\n", 404)]
    [InlineData("POST /a/../b", "Content-Length: 1073741824\r\nExpect: 100-continue\r\n", 400)]
    public async Task A_request_is_refused_before_its_body_is_read(string line, string headers, int status)
    {
        World.Paperless.ForgetReceived();
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);

        await connection.SendAsync($"{line} HTTP/1.1\r\nHost: localhost:{World.Port}\r\n{headers}\r\n");
        string head = await connection.ReadHeadAsync();

        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task A_cross_site_upload_on_a_session_is_refused_before_its_body_is_read()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);

        await connection.SendAsync($"POST /api/documents/post_document/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: "
            + $"paperless-gateway={alice.Cookie("paperless-gateway")}\r\nOrigin: https://evil.example\r\nContent-Length: 1073741824\r\nExpect: "
            + "100-continue\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task With_a_session_pages_and_API_requests_carry_the_user_header()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();
        string[] paths = ["/", "/dashboard", "/api/documents/", "/api/nope/", "/admin/", "/x/y", "/accounts/password/change/", "/admin/login/",
            "/fetch/doc/1", "/Static/x", "/share/a/b"];

        foreach (string path in paths)
        {
            await alice.FetchAsync(path);
        }

        Assert.Equal(paths, World.Forwarded.Select(request => request.RawPath).Distinct());
        Assert.All(World.Forwarded, request => Assert.Equal(["alice"], request.Lines("Remote-User")));
    }

    [Fact]
    public async Task The_gateways_own_paths_never_reach_Paperless()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        foreach (string path in (string[])["/gateway/", "/gateway/nope", "/gateway/session", "/GATEWAY/session", "/accounts/oidc/nope/login/",
            "/accounts/oidc/x", "/accounts/login/"])
        {
            await alice.FetchAsync(path);
            await alice.FetchAsync(HttpMethod.Put, path);
        }

        Assert.DoesNotContain(World.Forwarded, request => request.RawPath != "/accounts/login/" || request.Method == "GET");
    }

    [Fact]
    public async Task Unsupported_methods_are_refused()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        Page trace = await alice.SendAsync(HttpMethod.Trace, "/dashboard");
        string connect = await RawConnection.AskAsync(
            World,
            $"CONNECT localhost:{World.Port} HTTP/1.1\r\nHost: localhost:{World.Port}\r\nConnection: close\r\n\r\n");

        Assert.Equal(HttpStatusCode.MethodNotAllowed, trace.Status);
        Assert.Equal(400, Assert.Single(RawConnection.Statuses(connect)));
        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task The_log_never_contains_the_slug_of_a_share_link()
    {
        using Visitor nobody = World.NewVisitor();

        await nobody.OpenAsync("/share/opensesame1");

        await World.Log.WaitForAsync("Request", line => CapturedLog.Value(line, "Path") == "/share/…");
        Assert.DoesNotContain("opensesame1", World.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_request_is_logged_in_one_line()
    {
        using Visitor nobody = World.NewVisitor();
        int before = World.Log.Of("Refused").Count;

        Page page = await nobody.FetchAsync("/api/documents/?secret=1");

        Serilog.Events.LogEvent line = Assert.Single(World.Log.Of("Refused").Skip(before));
        Assert.Equal(
            ("401", "not_signed_in", "/api/documents/"),
            (CapturedLog.Value(line, "Status"), CapturedLog.Value(line, "Code"), CapturedLog.Value(line, "Path")));
        Assert.Contains(CapturedLog.Value(line, "TraceId"), page.Text, StringComparison.Ordinal);
    }
}
