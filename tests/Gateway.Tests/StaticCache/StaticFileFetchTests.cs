using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.StaticCache;
using Gateway.Tests.Kit;

namespace Gateway.Tests.StaticCache;

/// <summary>Fetching static files: one fetch for concurrent requests, with a timeout and a memory limit.</summary>
public sealed class StaticFileFetchTests
{
    private const string Css = "/static/base.css";

    [Fact]
    public async Task A_hundred_concurrent_first_requests_for_a_file_cause_one_fetch()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault hold = world.Paperless.Faults.Hold(request => request.RawPath == Css);

        Task<Page>[] visits = [.. Enumerable.Range(0, 100).Select(_ => GetAsync(visitor, Css))];
        await hold.ArrivedAsync(World.Ct);
        hold.Release();
        Page[] pages = await Task.WhenAll(visits);

        Assert.All(pages, page => Assert.Equal((HttpStatusCode.OK, pages[0].Text), (page.Status, page.Text)));
        Assert.Single(world.Forwarded);
    }

    [Fact]
    public async Task A_client_that_disconnects_does_not_cancel_the_fetch_for_others()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault hold = world.Paperless.Faults.Hold(request => request.RawPath == Css);
        RawConnection first = await RawConnection.OpenAsync(world.Port);
        await first.SendAsync($"GET {Css} HTTP/1.1\r\nHost: localhost:{world.Port}\r\n\r\n");
        await hold.ArrivedAsync(World.Ct);

        Task<Page> second = GetAsync(visitor, Css);
        first.BreakOff();
        await world.Log.WaitForAsync("Request", line => CapturedLog.Value(line, "Status") == "499");
        Assert.False(hold.HasLeft);
        hold.Release();

        Assert.Equal(HttpStatusCode.OK, (await second).Status);
        Assert.Single(world.Forwarded);
    }

    [Fact]
    public async Task A_hanging_fetch_delays_requests_by_ten_seconds_at_most_and_later_requests_not_at_all()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault hold = world.Paperless.Faults.Hold(IsFetch);
        Task<Page>[] waiting = [GetAsync(visitor, Css), GetAsync(visitor, Css)];
        await hold.ArrivedAsync(World.Ct);

        world.Clock.Advance(TimeSpan.FromSeconds(10));
        Page[] pages = await Task.WhenAll(waiting);
        Page next = await GetAsync(visitor, Css);
        await hold.LeftAsync(World.Ct);

        Assert.All((Page[])[.. pages, next], page => Assert.Equal((HttpStatusCode.OK, null), (page.Status, page.Header("Age"))));
        Assert.Equal(1, hold.Hits);
        hold.Release();
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("0", (await GetAsync(visitor, Css)).Header("Age"));
    }

    [Theory]
    [InlineData("no answer")]
    [InlineData("an error")]
    [InlineData("half an answer")]
    public async Task A_failed_fetch_leaves_nothing_in_the_cache(string fails)
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault fault = fails switch
        {
            "no answer" => world.Paperless.Faults.Drop(IsFetch),
            "an error" => world.Paperless.Faults.Answer(IsFetch, 503),
            _ => world.Paperless.Faults.Write(IsFetch, response =>
            {
                response.Headers.CacheControl = "public, max-age=60";
                response.ContentLength = 100;
                return response.WriteAsync("the beginning");
            }),
        };

        Page first = await GetAsync(visitor, Css);
        Page second = await GetAsync(visitor, Css);
        fault.Dispose();
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        Page third = await GetAsync(visitor, Css);

        Assert.All((Page[])[first, second, third], page => Assert.Equal((HttpStatusCode.OK, third.Text), (page.Status, page.Text)));
        Assert.Equal([null, null, "0"], [first.Header("Age"), second.Header("Age"), third.Header("Age")]);
        Assert.Equal(0, Store(world).UsedBytes - Store(world).Files.Sum(file => file.Cost));
    }

    [Fact]
    public async Task Requests_for_unknown_file_names_cost_one_request_to_Paperless_each_and_no_memory()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        for (int number = 0; number < 1500; number++)
        {
            Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(visitor, $"/static/made-up-{number}.js")).Status);
        }

        Assert.Equal(1500 + 1024, world.Forwarded.Count);
        Assert.Equal(0, Store(world).UsedBytes);

        // A minute later there is room again.
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("0", (await GetAsync(visitor, Css)).Header("Age"));
    }

    [Fact]
    public async Task Requests_for_unknown_file_names_evict_no_existing_file_from_the_cache()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(visitor, Css)).Status);
        for (int number = 0; number < 1500; number++)
        {
            Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(visitor, $"/static/made-up-{number}.js")).Status);
        }

        // Stale by a second: asked about, and then served from memory to the next.
        world.Clock.Advance(TimeSpan.FromSeconds(61));
        for (int number = 1500; number < 3000; number++)
        {
            await GetAsync(visitor, $"/static/made-up-{number}.js");
        }

        Assert.Equal("0", (await GetAsync(visitor, Css)).Header("Age"));
    }

    [Fact]
    public async Task A_large_file_is_streamed_and_not_cached()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault large = world.Paperless.Faults.Write(request => request.RawPath == Css, async response =>
        {
            response.Headers.CacheControl = "public, max-age=60";
            response.ContentLength = (4 * 1024 * 1024) + 1;
            await response.Body.WriteAsync(new byte[(4 * 1024 * 1024) + 1], World.Ct);
        });

        Page first = await GetAsync(visitor, Css);
        Page second = await GetAsync(visitor, Css);

        Assert.Equal([4 * 1024 * 1024 + 1, 4 * 1024 * 1024 + 1], [first.Text.Length, second.Text.Length]);
        Assert.Equal(3, world.Forwarded.Count);
        Assert.Equal(0, Store(world).UsedBytes);
    }

    [Fact]
    public async Task A_file_without_Content_Length_is_streamed()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault chunked = world.Paperless.Faults.Write(_ => true, response =>
        {
            response.Headers.CacheControl = "public, max-age=60";
            return response.WriteAsync("body{}");
        });

        Assert.Equal(["body{}", "body{}"], [(await GetAsync(visitor, Css)).Text, (await GetAsync(visitor, Css)).Text]);
        Assert.Empty(Store(world).Files);
    }

    [Fact]
    public async Task The_static_cache_keeps_within_its_size_and_evicts_the_least_recently_used_file()
    {
        StaticFileLimits limits = StaticFileLimits.Default with { MaxFileBytes = 200_000, MaxTotalBytes = 800_000 };
        await using World world = await World.StartAsync(options => options.Services = services => services.AddSingleton(limits));
        using Visitor visitor = world.NewVisitor();
        StaticFileStore store = Store(world);
        string[] paths = [.. AppAssets.Files.Where(file => file.Value.Content.Length < limits.MaxFileBytes).Select(file => "/static/" + file.Key)
            .Order(StringComparer.Ordinal)];
        Assert.True(AppAssets.Files.Values.Where(file => file.Content.Length < limits.MaxFileBytes).Sum(file => file.Content.Length) > limits.MaxTotalBytes);

        foreach (string path in paths)
        {
            await GetAsync(visitor, Css);
            byte[] content = await (await GetAsync(visitor, path, ("Accept-Encoding", "identity"))).Response.Content.ReadAsByteArrayAsync(World.Ct);
            Assert.Equal(AppAssets.Files[path["/static/".Length..]].Content, content);
            Assert.InRange(store.UsedBytes, 1, limits.MaxTotalBytes);
        }

        // What the arrays really come to, without the store's own counting.
        long arrays = store.Files.Sum(file => new[] { file.Identity, file.Gzip, file.Brotli }.Sum(copy => copy?.Bytes.LongLength ?? 0));
        Assert.InRange(arrays, limits.MaxTotalBytes / 4, store.UsedBytes);
        Assert.True(store.Files.Count < paths.Length);
        Assert.Contains(store.Files, file => file.Path == Css);

        world.Paperless.ForgetReceived();
        await GetAsync(visitor, Css);
        await GetAsync(visitor, paths[^1]);
        Assert.Empty(world.Forwarded);
        await GetAsync(visitor, paths[0]);
        Assert.Single(world.Forwarded);
    }

    [Fact]
    public async Task The_number_of_files_in_the_static_cache_is_limited()
    {
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton(StaticFileLimits.Default with { MaxFiles = 3 }));
        using Visitor visitor = world.NewVisitor();
        using Fault small = world.Paperless.Faults.Write(_ => true, response =>
        {
            response.Headers.CacheControl = "public, max-age=60";
            response.ContentLength = 0;
            return Task.CompletedTask;
        });

        foreach (int number in Enumerable.Range(0, 9))
        {
            await GetAsync(visitor, $"/static/{number}.css");
        }

        Assert.Equal(["/static/6.css", "/static/7.css", "/static/8.css"], Store(world).Files.Select(file => file.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_static_file_that_one_replica_does_not_deliver_is_fetched_from_another()
    {
        await using World world = await World.StartAsync(options => options.SecondUpstream = $"http://127.0.0.1:{World.FreePort()}");
        using Visitor visitor = world.NewVisitor();

        foreach (string name in (string[])["base.css", "signin.css", "admin/css/base.css", "frontend/en-US/polyfills.js"])
        {
            Assert.Equal("0", (await GetAsync(visitor, "/static/" + name)).Header("Age"));
        }
    }

    private static StaticFileStore Store(World world) => world.Gateway.Services.GetRequiredService<StaticFileStore>();

    /// <summary>The gateway's own requests say for nobody where they come from.</summary>
    private static bool IsFetch(ReceivedRequest request)
        => request.Header("X-Forwarded-For") is null && request.Path.Contains("/static/", StringComparison.Ordinal);

    private static Task<Page> GetAsync(Visitor visitor, string path, params (string Name, string Value)[] headers)
        => visitor.SendAsync(HttpMethod.Get, path, null, headers);
}
