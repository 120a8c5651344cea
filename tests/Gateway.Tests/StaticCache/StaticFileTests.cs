using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.StaticCache;
using Gateway.Tests.Kit;

namespace Gateway.Tests.StaticCache;

/// <summary>Which static files of Paperless are cached.</summary>
public sealed class StaticFileTests : IAsyncLifetime
{
    private const string Css = "/static/base.css";
    private const string Script = "/static/frontend/en-US/main.3f9c1b7a2e6d4805.js";

    private World _world = null!;
    private Visitor _visitor = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        _visitor = _world.NewVisitor();
    }

    public async ValueTask DisposeAsync()
    {
        _visitor.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task A_static_file_is_fetched_once_and_then_served_from_memory_unchanged()
    {
        Page first = await GetAsync(Css);
        Page second = await GetAsync(Css);
        Page head = await _visitor.SendAsync(HttpMethod.Head, Css);

        ReceivedRequest asked = Assert.Single(_world.Forwarded);
        Assert.Equal(
            ("GET", Css, "br", $"localhost:{_world.Port}"),
            (asked.Method, asked.RawTarget, asked.Header("Accept-Encoding"), asked.Header("Host")));
        Assert.Equal("html { font-family: system-ui, sans-serif; }\n", first.Text);
        foreach (Page page in (Page[])[first, second, head])
        {
            Assert.Equal(
                (HttpStatusCode.OK, page == head ? "" : first.Text, (long?)first.Text.Length),
                (page.Status, page.Text, page.Response.Content.Headers.ContentLength));
            Assert.Equal(
                ("public, max-age=60", "text/css; charset=\"utf-8\"", "*"),
                (page.Header("Cache-Control"), page.Header("Content-Type"), page.Header("Access-Control-Allow-Origin")));
            Assert.Matches("^\"[0-9a-f]+-[0-9a-f]+\"$", page.Header("ETag"));
            Assert.Equal("Sun, 01 Mar 2026 12:00:00 GMT", page.Header("Last-Modified"));
            Assert.Single(page.Response.Headers.NonValidated["Date"]);
        }
    }

    [Fact]
    public async Task A_fetch_of_a_static_file_carries_no_header_or_cookie_of_the_visitor()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        _world.Paperless.ForgetReceived();

        await alice.OpenAsync(
            Css,
            "same-origin",
            ("Authorization", "Token " + _world.Paperless.Data.AdminToken),
            ("Remote-User", "admin"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Odd", "1"),
            ("Accept-Language", "de"));

        ReceivedRequest asked = Assert.Single(_world.Forwarded);
        Assert.Null(asked.SignedInAs);
        Assert.All(asked.Headers, header => Assert.Contains(header.Key, (string[])["Host", "Accept-Encoding", "X-Forwarded-Proto"]));
    }

    [Theory]
    [InlineData("private, max-age=60", 4)]
    [InlineData("public, max-age=60, no-store", 3)]
    [InlineData("public, max-age=60, no-cache", 3)]
    [InlineData("public, max-age=60, private", 4)]
    [InlineData("public, max-age=0", 3)]
    [InlineData("public, s-maxage=0, max-age=60", 3)]
    [InlineData("public", 3)]
    [InlineData("max-age=60", 3)]
    [InlineData("public, max-age=-1", 3)]
    [InlineData("public, max-age=x", 3)]
    [InlineData("", 3)]
    [InlineData("public, max-age=60", 4, "Set-Cookie", "a=b")]
    [InlineData("public, max-age=60", 4, "Vary", "Cookie")]
    [InlineData("public, max-age=60", 4, "Vary", "Accept-Encoding, Origin")]
    [InlineData("public, max-age=60", 4, "Vary", "*")]
    [InlineData("public, max-age=60", 4, "Content-Encoding", "gzip")]
    [InlineData("public, max-age=60", 3, "Age", "60")]
    [InlineData("public, max-age=60", 3, "Age", "99999999999999999999")]
    public async Task Only_a_clearly_public_response_is_cached(string cacheControl, int requests, string? name = null, string value = "")
    {
        const string hashed = "/static/app.0123456789ab.css";
        Answers(hashed, response =>
        {
            response.Headers.CacheControl = cacheControl;
            if (name is not null)
            {
                response.Headers[name] = value;
            }
        });

        foreach (int _ in Enumerable.Range(0, 3))
        {
            Page page = await GetAsync(hashed);
            Assert.Equal("body{}", page.Text);
            Assert.DoesNotContain("immutable", page.Header("Cache-Control") ?? "", StringComparison.Ordinal);
            Assert.Null(name == "Age" ? null : page.Header("Age"));
        }

        // The first answer goes to who asked, unless it may depend on who asks; then each asks for itself.
        Assert.Equal(requests, _world.Forwarded.Count);
        Assert.Empty(Store.Files);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(302)]
    [InlineData(206)]
    [InlineData(203)]
    public async Task Only_a_200_response_is_cached(int status)
    {
        Answers(Css, response => response.StatusCode = status);

        await GetAsync(Css);
        Page page = await GetAsync(Css);

        Assert.Equal(status, (int)page.Status);
        Assert.Empty(Store.Files);
    }

    [Theory]
    [InlineData("/static/base.css?v=1")]
    [InlineData("/static/base.css?")]
    [InlineData("/static/b%61se.css")]
    public async Task Another_spelling_of_a_static_path_is_forwarded_and_not_cached(string target)
    {
        await RawConnection.AskAsync(_world, $"GET {target} HTTP/1.1\r\nHost: localhost:{_world.Port}\r\nConnection: close\r\n\r\n");
        string answer = await RawConnection.AskAsync(_world, $"GET {target} HTTP/1.1\r\nHost: localhost:{_world.Port}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.Equal([target, target], _world.Forwarded.Select(request => request.RawTarget));
        Assert.Empty(Store.Files);
    }

    [Theory]
    [InlineData("Range", "bytes=0-1")]
    [InlineData("If-Match", "\"x\"")]
    [InlineData("If-Unmodified-Since", "Sun, 01 Mar 2026 12:00:00 GMT")]
    public async Task Range_and_precondition_requests_for_a_static_file_are_forwarded(string name, string value)
    {
        await GetAsync(Css);
        await GetAsync(Css, (name, value));

        Assert.Equal(value, _world.Forwarded[^1].Header(name));
        Assert.Equal(2, _world.Forwarded.Count);
    }

    [Fact]
    public async Task A_range_of_a_compressed_copy_is_not_combined_with_another_copy()
    {
        Page first = await GetAsync(Script, ("Accept-Encoding", "br"));

        Page rest = await GetAsync(Script, ("Accept-Encoding", "br"), ("Range", "bytes=100-"), ("If-Range", first.Header("ETag")!));

        Assert.Equal((HttpStatusCode.OK, "br"), (rest.Status, rest.Header("Content-Encoding")));
        Assert.Single(_world.Forwarded);
    }

    [Fact]
    public async Task Security_headers_of_a_cached_file_are_kept_and_hop_by_hop_headers_are_not()
    {
        Answers(Css, response =>
        {
            response.Headers["X-Content-Type-Options"] = "nosniff";
            response.Headers["Content-Security-Policy"] = "default-src 'none'";
            response.Headers["Content-Security-Policy-Report-Only"] = "default-src *";
            response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
            response.Headers["Link"] = new(["<a>", "<b>"]);
            response.Headers["X-Name"] = "M\u00fcller";
            response.Headers["Connection"] = "X-Hop";
            response.Headers["X-Hop"] = "1";
            response.Headers["Keep-Alive"] = "timeout=5";
            response.Headers["Proxy-Authenticate"] = "Basic";
            response.Headers["Alt-Svc"] = "h3=\":1\"";
        });
        await GetAsync(Css);
        string ask = $"GET {Css} HTTP/1.1\r\nHost: localhost:{_world.Port}\r\nConnection: close\r\n";

        string answer = await RawConnection.AskAsync(_world, ask + "\r\n");
        string notModified = await RawConnection.AskAsync(_world, ask + "If-None-Match: \"one\"\r\n\r\n");

        Assert.Single(_world.Forwarded);
        Assert.StartsWith("HTTP/1.1 304 ", notModified, StringComparison.Ordinal);
        foreach (string text in (string[])[answer, notModified])
        {
            foreach (string line in (string[])["X-Content-Type-Options: nosniff", "Content-Security-Policy: "
                + "default-src 'none'", "Content-Security-Policy-Report-Only: default-src *", "Cross-Origin-Opener-Policy: "
                + "same-origin", "X-Name: M\u00fcller", "ETag: \"one\""])
            {
                Assert.Contains($"\r\n{line}\r\n", text, StringComparison.Ordinal);
            }

            Assert.Contains("Link: <a>\r\nLink: <b>\r\n", text, StringComparison.Ordinal);
            Assert.DoesNotContain("X-Hop", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Keep-Alive", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Proxy-Auth", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Alt-Svc", text, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Contains("Content-Type: text/css\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Content-Length", notModified, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/static/app.0123456789ab.css", "public, max-age=60", "public, max-age=31536000, immutable")]
    [InlineData("/static/app.0123456789ab.css", "public, max-age=60, no-transform", "no-transform, public, max-age=31536000, immutable")]
    [InlineData("/static/app.0123456789ab.css", "public, max-age=60, must-revalidate", "public, must-revalidate, max-age=60")]
    [InlineData("/static/app-5.3.css", "public, max-age=60", "public, max-age=60")]
    public async Task Only_a_file_with_a_content_hash_in_its_name_is_immutable(string path, string said, string answered)
    {
        Answers(path, response => response.Headers.CacheControl = said);

        Page first = await GetAsync(path);
        Page second = await GetAsync(path);
        Page notModified = await GetAsync(path, ("If-None-Match", "\"one\""));

        Assert.All((Page[])[first, second, notModified], page => Assert.Equal(answered, page.Header("Cache-Control")));
        Assert.Single(_world.Forwarded);
    }

    [Fact]
    public async Task The_static_cache_works_below_a_script_name()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/paperless");
        using Visitor alice = await world.SignedInAsync("alice", "/paperless/");
        using Visitor nobody = world.NewVisitor();
        world.Paperless.ForgetReceived();

        Page first = await alice.FetchAsync("/paperless/static/base.css");
        Page second = await nobody.FetchAsync("/paperless/static/base.css");

        Assert.Equal((HttpStatusCode.OK, first.Text), (second.Status, second.Text));
        Assert.Equal("/paperless/static/base.css", Assert.Single(world.Forwarded).RawTarget);
    }

    [Fact]
    public async Task The_request_log_says_that_a_file_came_from_the_cache()
    {
        await GetAsync(Css);
        await GetAsync(Css);

        await _world.Log.WaitForAsync("Request", line => CapturedLog.Value(line, "UpstreamMs") == "");
        Assert.Equal([false, true], _world.Log.Of("Request").Select(line => CapturedLog.Value(line, "UpstreamMs") == ""));
    }

    private StaticFileStore Store => _world.Gateway.Services.GetRequiredService<StaticFileStore>();

    private Task<Page> GetAsync(string path, params (string Name, string Value)[] headers) => _visitor.SendAsync(HttpMethod.Get, path, null, headers);

    private void Answers(string path, Action<HttpResponse> change) => _world.Paperless.Faults.Write(request => request.RawPath == path, response =>
    {
        response.Headers.CacheControl = "public, max-age=60";
        response.Headers.ETag = "\"one\"";
        response.ContentType = "text/css";
        response.ContentLength = 6;
        change(response);
        return response.WriteAsync("body{}");
    });
}
