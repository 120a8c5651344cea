using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.StaticCache;
using Gateway.Tests.Kit;

namespace Gateway.Tests.StaticCache;

/// <summary>The kept files are fresh when somebody opens a page, and are those of the version of Paperless that answers.</summary>
public sealed class StaticFileRefreshTests : IAsyncLifetime
{
    private const string Css = "/static/base.css";

    private World _world = null!;
    private Visitor _visitor = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync(options =>
        {
            options.Services = services => services.AddSingleton(StaticFileLimits.Default);
            options.Paperless = paperless => paperless with { AppLogo = "/logo/leaf.png" };
        });
        _visitor = _world.NewVisitor();
    }

    public async ValueTask DisposeAsync()
    {
        _visitor.Dispose();
        await _world.DisposeAsync();
    }

    [Theory]
    [InlineData(0, 15)]
    [InlineData(4, 45)]
    public async Task A_file_is_asked_about_before_its_freshness_ends_and_nobody_waits_for_that(int unusedRefreshes, int seconds)
    {
        await GetAsync(Css);
        Store.Files.Single().UnusedRefreshes = unusedRefreshes;
        _world.Clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        await PassAsync(seconds: 2, requests: 2);
        Assert.Equal(304, _world.Forwarded[^1].Status);

        _world.Clock.Advance(TimeSpan.FromSeconds(13));
        Page page = await GetAsync(Css);

        Assert.Equal((HttpStatusCode.OK, "13", 2), (page.Status, page.Header("Age"), _world.Forwarded.Count));
    }

    [Fact]
    public async Task A_refresh_brings_the_new_content()
    {
        await GetAsync(Css);
        using Fault answer = Answers(Css, "body{}");

        await PassAsync(seconds: 46, requests: 2);
        await Wait.UntilAsync(() => Store.Files.Single().Identity.Bytes.Length == 6, "The file is replaced.");

        Assert.Equal(("body{}", 2), ((await GetAsync(Css)).Text, _world.Forwarded.Count));
    }

    [Fact]
    public async Task A_refresh_without_an_answer_leaves_the_file_as_it_is()
    {
        Page first = await GetAsync(Css);
        using (Fault down = _world.Paperless.Faults.Answer(request => request.RawPath == Css, 503))
        {
            await PassAsync(seconds: 46, requests: 2);
            Assert.Equal(("46", first.Text), ((await GetAsync(Css)).Header("Age"), first.Text));
        }

        await PassAsync(seconds: 2, requests: 3);
        await Wait.UntilAsync(() => Store.Files.Single().Age < TimeSpan.FromSeconds(5), "The file is refreshed.");
        Assert.Empty(_world.Log.Of("StaticFileStale"));
    }

    [Fact]
    public async Task A_refresh_that_fails_inside_the_gateway_is_repeated()
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(options => options.Services = services => services
            .AddSingleton(StaticFileLimits.Default).AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock)));
        using Visitor visitor = world.NewVisitor();
        await visitor.SendAsync(HttpMethod.Get, Css);
        clock!.FailOnceIn(nameof(StaticFileRefresh), new InvalidOperationException("The clock is broken."));

        world.Clock.Advance(TimeSpan.FromSeconds(46));
        await world.Log.WaitForAsync("BackgroundWorkFailed", line => CapturedLog.Value(line, "Work") == "Refreshing the static files");
        world.Clock.Advance(TimeSpan.FromSeconds(4));

        await Wait.UntilAsync(() => world.Forwarded.Count == 2, "The file is refreshed.");
        Assert.True(clock.HasThrown);
    }

    [Fact]
    public async Task A_file_that_nobody_wants_for_a_day_is_left_alone()
    {
        await GetAsync(Css);
        CachedStaticFile file = Store.Files.Single();
        file.UnusedRefreshes = 1500;

        foreach (int _ in Enumerable.Range(0, 30))
        {
            _world.Clock.Advance(TimeSpan.FromSeconds(2));
        }

        await GetAsync("/static/signin.css");
        Assert.Equal([Css, "/static/signin.css"], _world.Forwarded.Select(request => request.RawPath));
    }

    [Fact]
    public async Task After_an_update_of_Paperless_nobody_gets_a_file_of_the_version_before()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        Page old = await GetAsync(Css);
        await alice.OpenAsync("/");
        using Fault updated = Answers(Css, "body{}");
        using Fault page = _world.Paperless.Faults.Write(request => request.RawPath == "/", response =>
        {
            response.Headers["X-Version"] = "3.0.6";
            response.ContentType = "text/html";
            return response.WriteAsync("<!doctype html><title>New</title>");
        });
        Assert.Equal(old.Text, (await GetAsync(Css)).Text);

        await alice.OpenAsync("/");

        Assert.Equal("body{}", (await GetAsync(Css)).Text);
        Assert.Equal(2, _world.Forwarded.Count(request => request.RawPath == Css));
        Assert.Equal(("3.0.5", "3.0.6"), (Logged("Before"), Logged("Version")));

        string? Logged(string name) => CapturedLog.Value(_world.Log.Of("PaperlessUpdated").Single(), name);
    }

    [Fact]
    public async Task A_file_that_was_on_its_way_while_Paperless_was_updated_is_fetched_once_more()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await alice.OpenAsync("/");
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == Css);
        Task<Page> waiting = GetAsync(Css);
        await hold.ArrivedAsync(World.Ct);
        Store.Clear();
        hold.Release();

        Assert.Equal(HttpStatusCode.OK, (await waiting).Status);
        Assert.Equal(2, _world.Forwarded.Count(request => request.RawPath == Css));
        Assert.Equal([Css], Store.Files.Select(file => file.Path));
    }

    [Theory]
    [InlineData("/favicon.ico")]
    [InlineData("/logo/leaf.png")]
    public async Task The_icon_and_the_logo_come_from_memory_and_with_a_tag(string path)
    {
        Page first = await GetAsync(path);
        Page second = await GetAsync(path);
        Page same = await _visitor.SendAsync(HttpMethod.Get, path, null, ("If-None-Match", first.Header("ETag")!));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.NotModified), (first.Status, second.Status, same.Status));
        Assert.Matches("^\"[0-9a-f]{32}\"$", first.Header("ETag"));
        Assert.All((Page[])[first, second, same], page => Assert.Equal("public, max-age=600", page.Header("Cache-Control")));
        Assert.Single(_world.Forwarded);

        using Fault other = Answers(path, "another picture", "image/png");
        await PassAsync(seconds: 460, requests: 2);
        await Wait.UntilAsync(() => Store.Files.Single().Identity.Bytes.Length == 15, "The picture is replaced.");
        Assert.NotEqual(first.Header("ETag"), (await GetAsync(path)).Header("ETag"));
    }

    private StaticFileStore Store => _world.Gateway.Services.GetRequiredService<StaticFileStore>();

    private Task<Page> GetAsync(string path) => _visitor.SendAsync(HttpMethod.Get, path);

    /// <summary>Lets the refresh have its turn until Paperless was asked so often.</summary>
    private async Task PassAsync(int seconds, int requests)
    {
        _world.Clock.Advance(TimeSpan.FromSeconds(seconds));
        await Wait.UntilAsync(() => _world.Forwarded.Count(request => request.Status != 0) >= requests, "The file is refreshed.");
        Assert.Equal(requests, _world.Forwarded.Count);
    }

    private Fault Answers(string path, string content, string type = "text/css") => _world.Paperless.Faults.Write(
        request => request.RawPath == path,
        response =>
        {
            if (path == Css)
            {
                response.Headers.CacheControl = "public, max-age=60";
            }

            response.ContentType = type;
            response.ContentLength = content.Length;
            return response.WriteAsync(content);
        });
}
