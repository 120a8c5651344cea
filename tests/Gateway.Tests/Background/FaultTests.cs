using System.Net;
using System.Reflection;
using Gateway.Access;
using Gateway.Apps;
using Gateway.Checks;
using Gateway.Operations;
using Gateway.StaticCache;
using Gateway.Storage;
using Gateway.Tests.Apps;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;
using static Gateway.Tests.Background.FailedWork;

namespace Gateway.Tests.Background;

/// <summary>An unexpected exception in a background task is logged, and the next run works.</summary>
public sealed class FaultTests
{
    private const string Css = "/static/base.css";

    private readonly StoreWatch _watch = new();

    [Fact]
    public async Task Static_files_are_compressed_after_an_earlier_compression_failed()
    {
        await using World world = await World.StartAsync();
        StaticFileCompression compression = world.Gateway.Services.GetRequiredService<StaticFileCompression>();
        HeaderDictionary headers = new() { ["Content-Type"] = "text/css", ["Cache-Control"] = "public, max-age=60" };
        CachedStaticFile broken = new("/static/broken.css", headers, CacheTerms.From(headers)!, 0, world.Clock, new byte[5000]);
        typeof(CachedStaticFile).GetField("<Path>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(broken, null);
        compression.Enqueue(broken);
        await FailedAsync(world, "Compressing a static file");
        using Visitor visitor = world.NewVisitor();

        await world.UntilAsync(
            async () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(1));
                Page script = await visitor.SendAsync(HttpMethod.Get, "/static/frontend/en-US/vendor.js", null, ("Accept-Encoding", "br"));
                return script.Header("Content-Encoding") == "br";
            },
            "The best copy is made.");
    }

    [Fact]
    public async Task After_a_failed_fetch_of_a_static_file_every_waiting_request_is_forwarded()
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock)));
        using Visitor visitor = world.NewVisitor();
        clock!.FailOnceIn($"{nameof(StaticFileFetch)}.FetchAsync", new InvalidOperationException("The clock is broken."));

        Page[] pages = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => visitor.SendAsync(HttpMethod.Get, Css)));

        Assert.All(pages, page => Assert.Equal((HttpStatusCode.OK, null), (page.Status, page.Header("Age"))));
        Assert.Single(world.Log.Of("StaticFileFetchFailed"));
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("0", (await visitor.SendAsync(HttpMethod.Get, Css)).Header("Age"));
    }

    [Fact]
    public async Task A_drain_that_fails_does_not_keep_the_gateway_from_stopping()
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_DRAIN"] = "5m";
            options.Services = services => services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock));
        });
        clock!.FailOnceIn(nameof(Drain), new InvalidOperationException("The clock is broken."));

        await world.Gateway.DisposeAsync().AsTask().InTimeAsync("The gateway stops.");

        Assert.True(clock.HasThrown);
        Assert.Single(world.Log.Of("Draining"));
        await FailedAsync(world, "The wait before the port closes");
    }

    [Fact]
    public async Task A_failing_credential_check_refuses_that_request_and_the_next_credential_is_checked()
    {
        FaultyClock? clock = null;
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock)));
        using Visitor app = world.NewVisitor();
        string token = "Token " + world.Paperless.Data.TokenOf("alice");
        byte[] large = new byte[3 * 1024 * 1024];
        clock!.FailOnceIn($"{nameof(CredentialCheck)}.AskPaperlessAsync", new InvalidOperationException("The clock is broken."));

        Page refused = await app.SendAsync(HttpMethod.Post, "/api/documents/1/", new ByteArrayContent(large), ("Authorization", token));
        Page next = await app.SendAsync(HttpMethod.Post, "/api/documents/1/", new ByteArrayContent(large), ("Authorization", token));

        Assert.True(clock.HasThrown);
        Assert.Equal(HttpStatusCode.BadGateway, refused.Status);
        Assert.Single(world.Log.Of("CredentialCheckFailed"));
        Assert.NotEqual(HttpStatusCode.BadGateway, next.Status);
        Assert.Single(world.Forwarded, request => request.Method == "POST");
    }

    [Fact]
    public async Task A_failing_check_of_an_access_token_refuses_that_request_and_the_next_check_runs()
    {
        FaultyClock? clock = null;
        await using World world = await BearerWorld.StartAsync(
            options => options.Services = services => services.AddSingleton<TimeProvider>(clock = new FaultyClock(options.Clock)));
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        clock!.FailOnceIn($"{nameof(BearerTokens)}.FindAnswerAsync", new InvalidOperationException("The clock is broken."));

        Page refused = await app.GetAsync("/api/documents/", token.Text);
        world.Clock.Advance(BearerTokens.RefusedTtl);
        Page next = await app.GetAsync("/api/documents/", token.Text);

        Assert.True(clock.HasThrown);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (refused.Status, next.Status));
        Assert.Single(world.Log.Of("BearerCheckFailed"));
    }

    [Fact]
    public async Task Checks_that_fail_after_the_start_run_again()
    {
        await using World world = await World.StartAsync();
        IServiceProvider services = world.Gateway.Services;
        using StartupChecks checks = new(
            latest: null!,
            new SignInFaults(),
            services.GetRequiredService<IHostApplicationLifetime>(),
            world.Clock,
            services.GetRequiredService<ILogger<StartupChecks>>());

        await checks.StartAsync(World.Ct);
        await FailedAsync(world, "The checks after the start");
        await Wait.UntilAsync(
            () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(10));
                return world.Log.Of("BackgroundWorkFailed").Count > 1;
            },
            "The checks run again.");

        await checks.StopAsync(World.Ct);
    }

    [Fact]
    public async Task A_store_that_throws_an_unexpected_exception_makes_the_gateway_unready_until_the_store_works()
    {
        await using World world = await World.StartAsync(options => options.Services = _watch.Install);
        _watch.Failing = nameof(ISessionStore.CheckAsync);
        using HttpClient http = new();

        using HttpResponseMessage unready = await http.GetAsync(new Uri(world.Gateway.Management, "/health/ready"), World.Ct);
        _watch.Failing = null;
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        using HttpResponseMessage ready = await http.GetAsync(new Uri(world.Gateway.Management, "/health/ready"), World.Ct);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (unready.StatusCode, ready.StatusCode));
    }

    [Fact]
    public async Task A_background_service_that_fails_does_not_stop_the_gateway()
    {
        await using World world = await World.StartAsync(options => options.Services = services => services.AddHostedService<Failing>());

        await world.Log.WaitForAsync("BackgroundServiceFaulted");

        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    private sealed class Failing : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => throw new OperationCanceledException("The test's.");
    }
}
