using System.Net;
using Gateway.Tests.Kit;
using Gateway.Tests.Sandbox;

namespace Gateway.Tests.Proxy;

/// <summary>What changes something on a session comes from Paperless's own pages.</summary>
public sealed class CrossSiteTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private const string Own = "own";

    private World World => shared.World;

    [Theory]
    [InlineData("same-origin", Own)]
    [InlineData("same-origin", null)]
    [InlineData(null, Own)]
    [InlineData(null, null)]
    public async Task What_comes_from_here_or_from_no_browser_passes(string? site, string? origin)
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
    public async Task What_comes_from_elsewhere_is_refused_with_one_line_of_the_log(string? site, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();
        int before = World.Log.Of("Refused").Count;

        Page page = await alice.SendAsync(HttpMethod.Patch, "/api/documents/1/", PaperlessClient.Json("""{"title":"Mallory was here"}"""), Headers(site, origin));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("application/problem+json", page.Response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("\"code\":\"cross_site\"", page.Text, StringComparison.Ordinal);
        Serilog.Events.LogEvent line = Assert.Single(World.Log.Of("Refused").Skip(before));
        Assert.Equal("cross_site", CapturedLog.Value(line, "Code"));
        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task A_form_on_another_site_gets_a_page_that_says_so()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        Page page = await alice.SendAsync(HttpMethod.Post, "/accounts/password/change/", null, ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("Not from another site", page.Text, StringComparison.Ordinal);
        Assert.Contains("https://evil.example", CapturedLog.Value(World.Log.Of("Refused")[^1], "Reason"), StringComparison.Ordinal);
        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task Two_origins_are_no_origin()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(World, $"POST /api/documents/1/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: paperless-gateway={alice.Cookie("paperless-gateway")}\r\nOrigin: {World.Origin}\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

        Assert.Equal(403, Assert.Single(RawConnection.Statuses(answer)));
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    public async Task Reading_is_not_guarded(string method)
    {
        using Visitor alice = await World.SignedInAsync("alice");

        await alice.SendAsync(new HttpMethod(method), "/dashboard", null, Headers("cross-site", "https://evil.example"));

        Assert.Equal((method, "/dashboard"), (World.Forwarded[^1].Method, World.Forwarded[^1].RawPath));
    }

    [Theory]
    [InlineData("cross-site", null)]
    [InlineData(null, "https://evil.example")]
    [InlineData("same-origin", "null")]
    public async Task A_websocket_from_elsewhere_is_refused(string? site, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        (string Name, string Value)[] headers = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), .. Headers(site, origin)];
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
