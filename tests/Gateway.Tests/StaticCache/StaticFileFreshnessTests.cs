using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.StaticCache;

/// <summary>How long a static file is fresh, and how it is revalidated.</summary>
public sealed class StaticFileFreshnessTests : IAsyncLifetime
{
    private const string Css = "/static/base.css";

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
    public async Task A_static_file_is_fresh_for_as_long_as_Paperless_said_and_then_revalidated()
    {
        Page first = await GetAsync();
        Pass(59);
        Page old = await GetAsync();
        Assert.Single(_world.Forwarded);
        Pass(1);
        Page again = await GetAsync();
        Pass(59);
        await GetAsync();

        ReceivedRequest asked = _world.Forwarded[^1];
        Assert.Equal((2, 304), (_world.Forwarded.Count, asked.Status));
        Assert.Equal((first.Header("ETag"), first.Header("Last-Modified")), (asked.Header("If-None-Match"), asked.Header("If-Modified-Since")));
        Assert.Equal(["0", "59", "0"], [first.Header("Age"), old.Header("Age"), again.Header("Age")]);
        Assert.Equal((first.Text, first.Header("ETag")), (again.Text, again.Header("ETag")));
    }

    [Fact]
    public async Task The_Age_of_a_fetched_file_counts_towards_its_freshness()
    {
        using Fault answer = Answers(headers => headers["Age"] = "50");
        Page first = await GetAsync();
        Pass(9);
        Page old = await GetAsync();
        Assert.Single(_world.Forwarded);
        Pass(1);
        await GetAsync();

        Assert.Equal(["50", "59"], [first.Header("Age"), old.Header("Age")]);
        Assert.Equal(2, _world.Forwarded.Count);
    }

    [Fact]
    public async Task S_maxage_takes_precedence_over_max_age()
    {
        using Fault answer = Answers(headers => headers.CacheControl = "public, max-age=60, s-maxage=5");
        await GetAsync();
        Pass(5);
        await GetAsync();

        Assert.Equal(2, _world.Forwarded.Count);
    }

    [Fact]
    public async Task New_content_replaces_the_cached_file()
    {
        await GetAsync();
        Pass(60);
        using Fault answer = Answers(_ => { });

        Page page = await GetAsync();
        Page same = await GetAsync();

        Assert.Equal(("body{}", "\"one\"", "body{}"), (page.Text, page.Header("ETag"), same.Text));
        Assert.Equal(2, _world.Forwarded.Count);
    }

    [Fact]
    public async Task A_304_response_updates_the_cached_headers()
    {
        await GetAsync();
        Pass(60);
        string tag = "";
        using Fault answer = Writes(response =>
        {
            tag = response.HttpContext.Request.Headers.IfNoneMatch.ToString();
            response.StatusCode = 304;
            response.Headers.CacheControl = "public, max-age=100";
            response.Headers.ETag = "W/" + tag;
            response.Headers["X-Frame-Options"] = "DENY";
            return Task.CompletedTask;
        });

        Page page = await GetAsync();
        Pass(99);
        Page old = await GetAsync();

        Assert.Equal(
            (HttpStatusCode.OK, "public, max-age=100", "DENY", "W/" + tag, "text/css; charset=\"utf-8\""),
            (page.Status, page.Header("Cache-Control"), page.Header("X-Frame-Options"), page.Header("ETag"), page.Header("Content-Type")));
        Assert.Equal((page.Text, "99"), (old.Text, old.Header("Age")));
        Assert.Equal(2, _world.Forwarded.Count);
    }

    [Theory]
    [InlineData("Cache-Control", "private")]
    [InlineData("Set-Cookie", "a=b")]
    [InlineData("Vary", "Cookie")]
    [InlineData("ETag", "\"another\"")]
    public async Task A_304_response_that_makes_the_file_uncacheable_removes_the_file_from_the_cache(string name, string value)
    {
        await GetAsync();
        Pass(60);
        using Fault answer = Writes(response =>
        {
            response.StatusCode = 304;
            response.Headers[name] = value;
            return Task.CompletedTask;
        }, request => request.Header("If-None-Match") is not null);

        Page page = await GetAsync();
        Page next = await GetAsync();

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [page.Status, next.Status]);
        Assert.Null(page.Header("Age"));
        Assert.Equal(4, _world.Forwarded.Count);
    }

    [Fact]
    public async Task A_file_deleted_at_Paperless_is_removed_from_the_cache()
    {
        await GetAsync();
        Pass(60);
        using Fault answer = _world.Paperless.Faults.Answer(_ => true, 404);

        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync()).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync()).Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task While_Paperless_is_unavailable_a_stale_file_is_served_for_ten_minutes(int status)
    {
        Page first = await GetAsync();
        Pass(60);
        Fault away = status == 0 ? _world.Paperless.Faults.Drop(_ => true) : _world.Paperless.Faults.Answer(_ => true, status);

        Page stale = await GetAsync();
        int asked = away.Hits;
        await GetAsync();
        Assert.Equal((first.Text, "60", asked), (stale.Text, stale.Header("Age"), away.Hits));

        // Nobody waits for the next try, either.
        Pass(5);
        Assert.Equal(first.Text, (await GetAsync()).Text);
        Pass(594);
        Assert.Equal(first.Text, (await GetAsync()).Text);
        Pass(1);
        Page late = await GetAsync();
        Assert.Equal(status == 0 ? HttpStatusCode.BadGateway : (HttpStatusCode)status, late.Status);
        Assert.StartsWith(
            _world.Paperless.Address.GetLeftPart(UriPartial.Path),
            CapturedLog.Value(Assert.Single(_world.Log.Of("StaticFileStale")), "Cause"),
            StringComparison.Ordinal);

        away.Dispose();
        Pass(5);
        Page back = await GetAsync();
        Assert.Equal((HttpStatusCode.OK, first.Text, "0"), (back.Status, back.Text, back.Header("Age")));
    }

    [Theory]
    [InlineData("public, max-age=60, must-revalidate", 0, 0)]
    [InlineData("public, max-age=60, proxy-revalidate", 0, 0)]
    [InlineData("public, s-maxage=60", 0, 0)]
    [InlineData("public, max-age=60, stale-if-error=0", 0, 0)]
    [InlineData("public, max-age=60, stale-if-error=30", 29, 30)]
    [InlineData("public, max-age=60, stale-if-error=99999999", 86399, 86400)]
    public async Task Cache_Control_of_Paperless_decides_whether_a_stale_file_may_be_served(string cacheControl, int still, int noMore)
    {
        using (Answers(headers => headers.CacheControl = cacheControl))
        {
            await GetAsync();
        }

        using Fault away = _world.Paperless.Faults.Drop(_ => true);
        Pass(60 + still);
        Assert.Equal(still > 0 ? HttpStatusCode.OK : HttpStatusCode.BadGateway, (await GetAsync()).Status);
        Pass(noMore - still + 5);
        Assert.Equal(HttpStatusCode.BadGateway, (await GetAsync()).Status);
    }

    [Fact]
    public async Task A_revalidation_that_Paperless_does_not_answer_times_out_after_ten_seconds()
    {
        Page first = await GetAsync();
        Pass(60);
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == Css);

        Task<Page> waiting = GetAsync();
        await hold.ArrivedAsync(World.Ct);
        Pass(10);

        Assert.Equal(first.Text, (await waiting).Text);
        Assert.Equal(first.Text, (await GetAsync()).Text);
        await hold.LeftAsync(World.Ct);
    }

    [Fact]
    public async Task A_file_without_an_ETag_is_revalidated_by_its_modification_date()
    {
        using Fault answer = Answers(headers =>
        {
            headers.ETag = default;
            headers.LastModified = "Sun, 01 Mar 2026 12:00:00 GMT";
        });
        Page first = await GetAsync();
        Page same = await GetAsync(("If-Modified-Since", "Sun, 01 Mar 2026 12:00:00 GMT"));
        Pass(60);
        await GetAsync();

        Assert.Equal((null, HttpStatusCode.NotModified), (first.Header("ETag"), same.Status));
        Assert.Equal((null, "Sun, 01 Mar 2026 12:00:00 GMT"), (_world.Forwarded[^1].Header("If-None-Match"), _world.Forwarded[^1].Header("If-Modified-Since")));
    }

    private void Pass(int seconds) => _world.Clock.Advance(TimeSpan.FromSeconds(seconds));

    private Task<Page> GetAsync(params (string Name, string Value)[] headers) => _visitor.SendAsync(HttpMethod.Get, Css, null, headers);

    private Fault Answers(Action<IHeaderDictionary> change) => Writes(response =>
    {
        response.Headers.CacheControl = "public, max-age=60";
        response.Headers.ETag = "\"one\"";
        response.ContentType = "text/css";
        response.ContentLength = 6;
        change(response.Headers);
        return response.WriteAsync("body{}");
    });

    private Fault Writes(Func<HttpResponse, Task> answer, Predicate<ReceivedRequest>? which = null)
        => _world.Paperless.Faults.Write(which ?? (_ => true), answer);
}
