using System.Net;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Access;

/// <summary>On a session, requests that change something must come from the same origin (CSRF).</summary>
public sealed class CrossSiteTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private const string Own = "own";

    private World World => shared.World;

    [Theory]
    [InlineData("same-origin", Own)]
    [InlineData("same-origin", null)]
    [InlineData(null, Own)]
    [InlineData(null, null)]
    public async Task Same_origin_requests_and_requests_without_browser_headers_are_allowed(string? site, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        foreach (string method in (string[])["POST", "PUT", "PATCH", "DELETE", "QUERY"])
        {
            await alice.SendAsync(new HttpMethod(method), "/api/documents/1/", PaperlessClient.Json("{}"), Headers(site, origin));
        }

        Assert.Equal(["POST", "PUT", "PATCH", "DELETE", "QUERY"], World.Forwarded.Select(request => request.Method));
    }

    [Theory]
    [InlineData("cross-site", null)]
    [InlineData("cross-site", Own)]
    [InlineData("same-site", Own)]
    [InlineData("same-site", null)]
    [InlineData("none", null)]
    [InlineData("", null)]
    [InlineData("SAME-ORIGIN", null)]
    [InlineData("same-origin, same-origin", null)]
    [InlineData("same-origin", "https://evil.example")]
    [InlineData("same-origin", "null")]
    [InlineData(null, "null")]
    [InlineData(null, "https://evil.example")]
    [InlineData(null, "https://localhost")]
    [InlineData(null, "http://localhost")]
    [InlineData(null, "http://localhost.evil.example")]
    [InlineData(null, "")]
    public async Task Cross_site_requests_are_refused_with_one_log_line(string? site, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();
        int before = World.Log.Of("Refused").Count;

        Page page = await alice.SendAsync(
            HttpMethod.Patch,
            "/api/documents/1/",
            PaperlessClient.Json("""{"title":"Mallory was here"}"""),
            Headers(site, origin));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("application/problem+json", page.Response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("\"code\":\"cross_site\"", page.Text, StringComparison.Ordinal);
        Serilog.Events.LogEvent line = Assert.Single(World.Log.Of("Refused").Skip(before));
        Assert.Equal("cross_site", CapturedLog.Value(line, "Code"));
        Assert.Empty(World.Forwarded);
    }

    public static TheoryData<string, bool> Referers => new()
    {
        { "{origin}", true },
        { "{origin}/", true },
        { "{origin}/documents?a=https://evil.example/#x", true },
        { "{origin}?q", true },
        { "HTTP://LOCALHOST:{port}/x", true },
        { "https://evil.example/", false },
        { "https://evil.example/{origin}/", false },
        { "{origin}.evil.example/", false },
        { "{origin}evil.example/", false },
        { "{origin}0/", false },
        { "{origin}@evil.example/", false },
        { "http://localhost@evil.example/", false },
        { "http://localhost:{port}@evil.example/", false },
        { "http://evil.example@localhost:{port}/", false },
        { "http://evil.example\\@localhost:{port}/", false },
        { "https://localhost:{port}/", false },
        { "http://localhost/", false },
        { "http://localhost:/", false },
        { "//localhost:{port}/", false },
        { "localhost:{port}/", false },
        { "/documents", false },
        { "about:blank", false },
        { "null", false },
        { "", false },
        { "{origin}/, https://evil.example/", false },
        { "{origin}/ x", false },
    };

    [Theory]
    [MemberData(nameof(Referers))]
    public async Task A_Referer_alone_decides_the_origin_of_a_request(string referer, bool isFromHere)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();
        string given = referer.Replace("{origin}", World.Origin, StringComparison.Ordinal).Replace("{port}", $"{World.Port}", StringComparison.Ordinal);

        Page page = await alice.SendAsync(HttpMethod.Patch, "/api/documents/1/", PaperlessClient.Json("{}"), ("Referer", given));

        // Without its CSRF token Paperless may refuse it on its own account: what counts is whether it was asked.
        Assert.Equal(!isFromHere, page.Text.Contains("\"code\":\"cross_site\"", StringComparison.Ordinal));
        Assert.Equal(isFromHere ? 1 : 0, World.Forwarded.Count);
    }

    [Theory]
    [InlineData("same-origin", Own)]
    [InlineData("same-origin", null)]
    [InlineData(null, Own)]
    public async Task A_foreign_Referer_is_refused_whatever_the_other_headers_say(string? site, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        foreach (string path in (string[])["/api/documents/1/", "/gateway/sessions/end", "/gateway/sessions/end-all", "/gateway/username",
            "/api/profile/disconnect_social_account/"])
        {
            Page page = await alice.SendAsync(
                HttpMethod.Post,
                path,
                new FormUrlEncodedContent([]),
                [("Referer", "https://evil.example/"), .. Headers(site, origin)]);

            Assert.True(page.Status is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest, $"{path}: {page.Status}");
        }

        Assert.Empty(World.Forwarded);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/gateway/session")).Status);
    }

    [Fact]
    public async Task A_request_with_two_Referer_headers_is_refused()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(World, $"POST /api/documents/1/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: "
            + $"paperless-gateway={alice.Cookie("paperless-gateway")}\r\nReferer: {World.Origin}/\r\nReferer: {World.Origin}/\r\nContent-Length: "
            + "0\r\nConnection: close\r\n\r\n");

        Assert.Equal(403, Assert.Single(RawConnection.Statuses(answer)));
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("https://docs.example.com", "https://docs.example.com/x", true)]
    [InlineData("https://docs.example.com", "https://DOCS.example.com:443/x", true)]
    [InlineData("https://docs.example.com", "https://docs.example.com:0443", true)]
    [InlineData("https://docs.example.com", "https://docs.example.com:80/x", false)]
    [InlineData("https://docs.example.com", "http://docs.example.com/x", false)]
    [InlineData("https://docs.example.com", "https://docs.example.com.evil/x", false)]
    [InlineData("https://docs.example.com", "https://docs.example.com.", false)]
    [InlineData("https://docs.example.com", "https://x.docs.example.com/", false)]
    [InlineData("https://docs.example.com", "https:docs.example.com/", false)]
    [InlineData("https://docs.example.com", "https:///docs.example.com/", false)]
    [InlineData("https://docs.example.com", "https://user:docs.example.com@evil.example/", false)]
    [InlineData("https://[::1]:8443", "https://[::1]:8443/", true)]
    [InlineData("https://bücher.example", "https://xn--bcher-kva.example/", true)]
    public void A_URL_belongs_to_an_origin_if_scheme_host_and_port_match(string origin, string url, bool isOfIt) =>
        Assert.Equal(isOfIt, new Gateway.Settings.PublicOrigin(new Uri(origin)).IsOriginOf(url));

    [Theory]
    [InlineData("X-HTTP-Method-Override")]
    [InlineData("X-HTTP-Method")]
    [InlineData("X-Method-Override")]
    public async Task Method_override_headers_are_not_forwarded(string name)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        await alice.SendAsync(HttpMethod.Get, "/api/documents/1/", null, (name, "DELETE"), ("Sec-Fetch-Site", "cross-site"));

        Assert.Equal("GET", Assert.Single(World.Forwarded).Method);
        Assert.Empty(World.Forwarded[0].Lines(name));
    }

    [Fact]
    public async Task A_form_posted_from_another_site_gets_an_error_page_that_names_the_cause()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        Page page = await alice.SendAsync(
            HttpMethod.Post,
            "/accounts/password/change/",
            null,
            ("Accept", "text/html"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "https://evil.example"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("Not from another site", page.Text, StringComparison.Ordinal);
        Assert.Contains("https://evil.example", CapturedLog.Value(World.Log.Of("Refused")[^1], "Reason"), StringComparison.Ordinal);
        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task A_request_with_two_Origin_headers_is_refused()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(World, $"POST /api/documents/1/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: "
            + $"paperless-gateway={alice.Cookie("paperless-gateway")}\r\nOrigin: {World.Origin}\r\nOrigin: https://evil.example\r\nContent-Length: "
            + "0\r\nConnection: close\r\n\r\n");

        Assert.Equal(403, Assert.Single(RawConnection.Statuses(answer)));
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    public async Task Cross_site_requests_that_only_read_are_allowed(string method)
    {
        using Visitor alice = await World.SignedInAsync("alice");

        await alice.SendAsync(new HttpMethod(method), "/dashboard", null, Headers("cross-site", "https://evil.example"));

        Assert.Equal((method, "/dashboard"), (World.Forwarded[^1].Method, World.Forwarded[^1].RawPath));
    }

    [Theory]
    [InlineData("cross-site", null)]
    [InlineData(null, "https://evil.example")]
    [InlineData("same-origin", "null")]
    public async Task A_cross_site_WebSocket_is_refused(string? site, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        (string Name, string Value)[] headers = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), .. Headers(site, origin)];
        Page page = await alice.SendAsync(HttpMethod.Get, "/ws/status/", null, headers);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Empty(World.Forwarded);
    }

    private (string Name, string Value)[] Headers(string? site, string? origin)
    {
        List<(string, string)> headers = [];
        if (site is not null)
        {
            headers.Add(("Sec-Fetch-Site", site));
        }

        if (origin is not null)
        {
            headers.Add(("Origin", origin == Own ? World.Origin : origin));
        }

        return [.. headers];
    }
}
