using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>How long browsers keep thumbnails, the icon and the logo.</summary>
public sealed class PictureLifetimeTests : IAsyncLifetime
{
    private const string Thumbnail = "/api/documents/1/thumb/";

    private World _world = null!;
    private Visitor _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync(options => options.Paperless = paperless => paperless with { AppLogo = "/logo/leaf.png" });
        _alice = await _world.SignedInAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task A_browser_keeps_a_thumbnail_for_a_minute_in_the_cache_of_that_session_and_then_asks_whether_it_has_changed()
    {
        Page first = await _alice.FetchAsync(Thumbnail);
        Page unchanged = await _alice.FetchAsync(HttpMethod.Get, Thumbnail, null, ("If-Modified-Since", first.Header("Last-Modified")!));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.NotModified], [first.Status, unchanged.Status]);
        Assert.All((Page[])[first, unchanged], page => Assert.Equal("max-age=60, private", page.Header("Cache-Control")));
        Assert.Contains("Cookie", first.Header("Vary"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/documents/1/thumb/", "no-store", "image/webp", "no-store, private")]
    [InlineData("/api/documents/1/thumb/", "max-age=5", "image/webp", "max-age=5, private")]
    [InlineData("/api/documents/1/thumb/", "no-cache", "application/json", "no-cache, private")]
    [InlineData("/api/documents/x/thumb/", "no-cache", "image/webp", "no-cache, private")]
    [InlineData("/api/documents/1/preview/", "no-cache", "image/webp", "no-cache, private")]
    public async Task Other_answers_keep_the_lifetime_of_Paperless(string path, string control, string type, string expected)
    {
        using Fault fault = Answers(path, control, type, "\"one\"");

        Assert.Equal(expected, (await _alice.FetchAsync(path)).Header("Cache-Control"));
    }

    [Fact]
    public async Task A_thumbnail_without_a_validator_is_asked_for_each_time()
    {
        using Fault fault = Answers(Thumbnail, "no-cache", "image/webp", tag: null);

        Assert.Equal("no-cache, private", (await _alice.FetchAsync(Thumbnail)).Header("Cache-Control"));
    }

    [Fact]
    public async Task An_app_with_a_token_asks_for_thumbnails_as_Paperless_says()
    {
        using Visitor app = _world.NewVisitor();

        Page page = await app.FetchAsync(HttpMethod.Get, Thumbnail, null, ("Authorization", "Token " + _world.Paperless.Data.TokenOf("alice")));

        Assert.Equal((HttpStatusCode.OK, "no-cache, private"), (page.Status, page.Header("Cache-Control")));
    }

    [Theory]
    [InlineData("/favicon.ico")]
    [InlineData("/logo/leaf.png")]
    public async Task The_icon_and_the_logo_are_kept_for_ten_minutes_where_Paperless_says_nothing(string path)
    {
        using Visitor stranger = _world.NewVisitor();
        Assert.Equal("public, max-age=600", (await _alice.SendAsync(HttpMethod.Get, path)).Header("Cache-Control"));
        Assert.Equal("public, max-age=600", (await stranger.SendAsync(HttpMethod.Get, path)).Header("Cache-Control"));
    }

    [Theory]
    [InlineData("/favicon.ico")]
    [InlineData("/logo/leaf.png")]
    public async Task An_icon_or_a_logo_keeps_the_lifetime_that_Paperless_gives(string path)
    {
        using Fault fault = Answers(path, "no-cache", "image/png", "\"one\"");
        using Visitor stranger = _world.NewVisitor();

        Assert.Equal("no-cache", (await stranger.SendAsync(HttpMethod.Get, path)).Header("Cache-Control"));
        Assert.Equal("no-cache", (await stranger.SendAsync(HttpMethod.Get, path)).Header("Cache-Control"));
    }

    [Fact]
    public async Task Without_the_static_cache_the_icon_is_kept_for_ten_minutes_too()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_STATIC_CACHE"] = "false");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.SendAsync(HttpMethod.Get, "/favicon.ico");

        Assert.Equal(("public, max-age=600", null), (page.Header("Cache-Control"), page.Header("ETag")));
    }

    [Fact]
    public async Task A_logo_that_is_not_there_and_other_public_answers_get_no_lifetime()
    {
        using Fault gone = _world.Paperless.Faults.Answer(request => request.RawPath == "/logo/gone.png", 404);
        using Fault html = Answers("/logo/page.html", control: null, "text/html", tag: null);
        using Visitor stranger = _world.NewVisitor();

        foreach (string path in (string[])["/logo/gone.png", "/logo/page.html", "/accounts/login/?password", "/api/schema/"])
        {
            Assert.DoesNotContain("max-age", (await stranger.SendAsync(HttpMethod.Get, path)).Header("Cache-Control") ?? "", StringComparison.Ordinal);
        }
    }

    private Fault Answers(string path, string? control, string type, string? tag) => _world.Paperless.Faults.Write(
        request => request.RawPath == path,
        response =>
        {
            response.ContentType = type;
            response.Headers.CacheControl = control;
            response.Headers.ETag = tag;
            return response.WriteAsync("picture");
        });
}
