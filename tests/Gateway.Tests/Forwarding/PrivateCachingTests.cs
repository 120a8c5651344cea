using System.Net;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.Forwarding;

/// <summary>Responses on a session are cached by that browser only, even by caches that decide by the file extension.</summary>
public sealed class PrivateCachingTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private const string NothingSaid = "private, no-store";

    private World World => shared.World;

    [Theory]
    [InlineData("/api/trash/x.css")]
    [InlineData("/api/documents/1/thumb/x.js")]
    [InlineData("/static.png")]
    public async Task A_private_response_with_a_file_like_path_is_kept_out_of_shared_caches(string path)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers(path, 200);

        Page page = await alice.FetchAsync(path);

        Assert.Equal((HttpStatusCode.OK, NothingSaid), (page.Status, Said(page)));
    }

    [Theory]
    [InlineData("GET", 200)]
    [InlineData("HEAD", 200)]
    [InlineData("GET", 204)]
    [InlineData("GET", 206)]
    [InlineData("GET", 302)]
    [InlineData("GET", 304)]
    [InlineData("GET", 403)]
    [InlineData("GET", 404)]
    [InlineData("GET", 410)]
    [InlineData("GET", 500)]
    [InlineData("POST", 200)]
    public async Task Every_response_to_a_request_with_the_user_header_is_private_whatever_its_status(string method, int status)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers("/api/x.css", status, ("Cache-Control", "public, max-age=600"));

        Page page = await alice.FetchAsync(new HttpMethod(method), "/api/x.css");

        Assert.Equal(((HttpStatusCode)status, "private, max-age=600"), (page.Status, Said(page)));
        Assert.Equal("Cookie", page.Header("Vary"));
    }

    [Fact]
    public async Task Responses_on_password_sessions_tokens_and_account_pages_are_private()
    {
        using Visitor local = await World.SignedInWithPasswordAsync("alice");
        using Visitor program = World.NewVisitor();
        using Fault answer = Answers("x.css", 200, ("Cache-Control", "max-age=60, public"));

        Page password = await local.FetchAsync("/api/x.css");
        Page token = await program.SendAsync(HttpMethod.Get, "/api/x.css", null, ("Authorization", "Token x"));
        Page account = await program.SendAsync(HttpMethod.Get, "/accounts/password/reset/x.css");

        Assert.Equal(("private, max-age=60", "Cookie"), (Said(password), password.Header("Vary")));
        Assert.Equal(("private, max-age=60", "Authorization"), (Said(token), token.Header("Vary")));
        Assert.Equal(("private, max-age=60", "Cookie"), (Said(account), account.Header("Vary")));
    }

    [Theory]
    [InlineData("/static/odd.css?v=1")]
    [InlineData("/share/abc")]
    [InlineData("/favicon.ico")]
    [InlineData("/logo/x.png")]
    public async Task The_cache_headers_of_public_paths_stay_as_Paperless_sends_them(string path)
    {
        using Visitor stranger = World.NewVisitor();
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers(
            path.Split('?')[0],
            200,
            ("Cache-Control", "public, s-maxage=60, immutable"),
            ("CDN-Cache-Control", "max-age=5"),
            ("Vary", "Accept"));

        foreach (Visitor visitor in (Visitor[])[stranger, alice])
        {
            Page page = await visitor.SendAsync(HttpMethod.Get, path);

            Assert.Equal(("public, s-maxage=60, immutable", "max-age=5", "Accept"), (Said(page), page.Header("CDN-Cache-Control"), page.Header("Vary")));
        }
    }

    [Theory]
    [InlineData("no-cache", "private, no-cache")]
    [InlineData("no-store", "private, no-store")]
    [InlineData("max-age=0, no-cache, no-store, must-revalidate, private", "max-age=0, no-cache, no-store, must-revalidate, private")]
    [InlineData("private", "private")]
    [InlineData("private, max-age=5", "private, max-age=5")]
    [InlineData("public, max-age=31536000, immutable", "private, max-age=31536000")]
    [InlineData("Public,MAX-AGE=7,S-MaxAge=9", "private, MAX-AGE=7")]
    [InlineData("s-maxage=600", "private")]
    [InlineData("private=\"Set-Cookie, X-A\", max-age=5", "private, max-age=5")]
    [InlineData("no-cache=\"Set-Cookie, public\", public", "private, no-cache=\"Set-Cookie, public\"")]
    [InlineData("ext=\"a\\\", public, b\"", "private, ext=\"a\\\", public, b\"")]
    [InlineData("max-age=5, ext=\"never ends, public", "private, no-store")]
    [InlineData("must-understand, no-store", "private, no-store")]
    [InlineData("max-age=5, stale-while-revalidate=60", "private, max-age=5, stale-while-revalidate=60")]
    [InlineData(",,public,,", "private")]
    [InlineData("", "private")]
    public async Task Cache_Control_is_made_stricter_and_never_looser(string said, string becomes)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers("/api/x.css", 200, ("Cache-Control", said));

        Assert.Equal(becomes, Said(await alice.FetchAsync("/api/x.css")));
    }

    [Fact]
    public async Task Several_Cache_Control_lines_are_read_as_one_list()
    {
        using RawUpstream upstream = RawUpstream.Answering(
            "HTTP/1.1 200 OK\r\nCache-Control: public\r\nCache-Control: max-age=60\r\nContent-Type: text/css\r\nContent-Length: 1\r\nConnection: "
                + "close\r\n\r\nx");
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_UPSTREAM_URL"] = upstream.Address);
        using Visitor program = world.NewVisitor();

        Page page = await program.SendAsync(HttpMethod.Get, "/api/x.css", null, ("Authorization", "Token x"));

        Assert.Equal("private, max-age=60", Said(page));
    }

    [Theory]
    [InlineData("Expires", "Fri, 01 Jan 2100 00:00:00 GMT")]
    [InlineData("Expires", "0")]
    [InlineData("Pragma", "no-cache")]
    [InlineData("ETag", "\"1\"")]
    [InlineData("Last-Modified", "Fri, 01 Jan 2021 00:00:00 GMT")]
    public async Task A_response_with_only_older_cache_headers_or_a_validator_becomes_private_no_cache(string name, string value)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers("/api/x.css", 200, (name, value));

        Page page = await alice.FetchAsync("/api/x.css");

        Assert.Equal(("private, no-cache", "Cookie"), (Said(page), page.Header("Vary")));
        Assert.Null(page.Header("Expires"));
        Assert.Null(page.Header("Pragma"));
    }

    [Theory]
    [InlineData("public", "private, no-cache")]
    [InlineData("max-age=60", "private, max-age=60")]
    [InlineData("no-cache=\"Set-Cookie\"", "private, no-cache=\"Set-Cookie\", no-cache")]
    public async Task An_Expires_header_beside_Cache_Control_does_not_extend_the_caching(string said, string becomes)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers("/api/x.css", 200, ("Cache-Control", said), ("Expires", "Thu, 01 Jan 1970 00:00:00 GMT"));

        Page page = await alice.FetchAsync("/api/x.css");

        Assert.Equal(becomes, Said(page));
        Assert.Null(page.Header("Expires"));
    }

    [Theory]
    [InlineData("CDN-Cache-Control")]
    [InlineData("cloudflare-cdn-cache-control")]
    [InlineData("Vercel-CDN-Cache-Control")]
    [InlineData("X-LiteSpeed-Cache-Control")]
    [InlineData("Surrogate-Control")]
    [InlineData("Edge-Control")]
    [InlineData("X-Accel-Expires")]
    public async Task Headers_for_shared_caches_only_are_removed(string name)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers("/api/x.css", 200, ("Cache-Control", "private"), (name, "max-age=600"));

        Page page = await alice.FetchAsync("/api/x.css");

        Assert.Equal("private", Said(page));
        Assert.Null(page.Header(name));
    }

    [Theory]
    [InlineData("Accept, Cookie", "Accept, Cookie")]
    [InlineData("cookie", "cookie")]
    [InlineData("*", "*")]
    [InlineData("Accept, X-Cookie", "Accept, X-Cookie, Cookie")]
    public async Task Vary_Cookie_is_added_where_Paperless_does_not_send_it(string said, string becomes)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers("/api/x.css", 200, ("Cache-Control", "max-age=60"), ("Vary", said));

        Assert.Equal(becomes, (await alice.FetchAsync("/api/x.css")).Header("Vary"));
    }

    [Fact]
    public async Task An_HTML_page_is_never_cached_whatever_Paperless_sends()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault answer = Answers(
            "/x.css",
            200,
            ("Cache-Control", "public, max-age=600"),
            ("Content-Type", "text/html; charset=utf-8"),
            ("Expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
            ("CDN-Cache-Control", "max-age=600"));

        Page page = await alice.OpenAsync("/x.css");

        Assert.Equal("no-store", Said(page));
        Assert.Null(page.Header("Expires"));
        Assert.Null(page.Header("CDN-Cache-Control"));
    }

    [Fact]
    public async Task An_accepted_WebSocket_upgrade_gets_no_cache_headers()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);
        await connection.SendAsync($"GET /ws/status/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: "
            + $"{alice.Cookies.GetCookieHeader(new Uri(World.Origin))}\r\nOrigin: {World.Origin}\r\nConnection: Upgrade\r\nUpgrade: "
            + "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

        string head = await connection.ReadHeadAsync();

        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.DoesNotContain("Cache-Control", head, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(null, "Accept, Cookie, origin")]
    [InlineData("no-cache", "Accept, Accept-Language, Cookie")]
    [InlineData("max-age=0, no-cache, no-store, must-revalidate, private", "Accept-Language, Cookie")]
    public void The_usual_cache_headers_of_Paperless_are_handled_without_allocation(string? said, string vary)
    {
        using HttpResponseMessage response = new();
        response.Headers.TryAddWithoutValidation("Vary", vary);
        response.Headers.TryAddWithoutValidation("X-Version", "3.0.5");
        response.Headers.TryAddWithoutValidation("Referrer-Policy", "same-origin");
        IHeaderDictionary headers = new HeaderDictionary { ["Vary"] = vary, ["Cache-Control"] = said };
        PrivateCaching.Apply(headers, response.Headers.NonValidated, "Cookie");

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int time = 0; time < 1000; time++)
        {
            headers.CacheControl = said is null ? default : new(said);
            PrivateCaching.Apply(headers, response.Headers.NonValidated, "Cookie");
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 999);
    }

    /// <summary>As it came: the client's own parser would write it in another order.</summary>
    private static string? Said(Page page)
        => page.Response.Headers.NonValidated.TryGetValues("Cache-Control", out System.Net.Http.Headers.HeaderStringValues values) ? values.ToString() : null;

    private Fault Answers(string path, int status, params (string Name, string Value)[] headers) => World.Paperless.Faults.Write(
        request => request.RawPath.EndsWith(path, StringComparison.Ordinal),
        response =>
        {
            response.StatusCode = status;
            foreach ((string name, string value) in headers)
            {
                response.Headers[name] = value;
            }

            return Task.CompletedTask;
        });
}
