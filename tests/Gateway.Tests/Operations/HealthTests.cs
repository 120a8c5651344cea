using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Checks;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

public sealed class HealthTests
{
    /// <summary>Longer than the same answer is given to whoever asks.</summary>
    private static readonly TimeSpan AWhile = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_working_gateway_is_ready_and_lists_its_checks_by_name()
    {
        await using World world = await World.StartAsync();

        Page live = await AskAsync(world, "/health/live");
        Page ready = await AskAsync(world, "/health/ready");

        Assert.Equal((HttpStatusCode.OK, "ok"), (live.Status, live.Text));
        Assert.Equal(HttpStatusCode.OK, ready.Status);
        Assert.Equal("no-store", ready.Header("Cache-Control"));
        Assert.Equal("""{"status":"ready","checks":{"store":"ok","paperless":"ok","provider authentik":"ok"}}""", ready.Text);
    }

    [Theory]
    [InlineData(nameof(Outage.DropsConnections))]
    [InlineData(nameof(Outage.ServiceUnavailable))]
    public async Task An_unavailable_provider_degrades_the_health_but_the_gateway_stays_ready(string outage)
    {
        await using World world = await World.StartAsync();
        Assert.Equal("ready", Status(await AskAsync(world, "/health/ready")));

        // Also after its discovery was read: what was good an hour ago lets nobody sign in now.
        world.Provider.Outage = Enum.Parse<Outage>(outage);
        world.Clock.Advance(AWhile);
        Page away = await AskAsync(world, "/health/ready");

        Assert.Equal(HttpStatusCode.OK, away.Status);
        Assert.Equal("degraded", Status(away));
        Assert.Equal(["ok", "ok"], [Check(away, "store"), Check(away, "paperless")]);
        Assert.NotEqual("ok", Check(away, "provider authentik"));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(world, "/health/live")).Status);

        world.Provider.Outage = Outage.None;
        world.Clock.Advance(AWhile);
        Assert.Equal("ready", Status(await AskAsync(world, "/health/ready")));
    }

    [Fact]
    public async Task Without_its_store_and_Paperless_the_gateway_is_unready_and_still_takes_requests()
    {
        StoreWatch watch = new() { Unavailable = nameof(ISessionStore.CheckAsync) };
        await using World world = await World.StartAsync(options => options.Services = watch.Install);
        using Fault away = world.Paperless.Faults.Drop(_ => true);

        Page ready = await AskAsync(world, "/health/ready");
        Page serving = await AskAsync(world, "/health/serving");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unready"), (ready.Status, Status(ready)));
        Assert.Equal((HttpStatusCode.OK, "serving"), (serving.Status, serving.Text));
    }

    [Fact]
    public async Task A_client_secret_that_the_provider_refuses_makes_the_gateway_unready()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true";
            options.Services = services => services.AddHostedService<StartupChecks>();
        });
        JsonObject app = ProvidersSetting.Of(world.Provider);
        app["secret"] = "not the secret";
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
        world.StartGateway();
        await world.Log.WaitForAsync("CheckFailed");

        Page page = await AskAsync(world, "/health/ready");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Equal("unready", Status(page));
        Assert.Contains(
            "client secret: the provider refuses it (invalid_client). If the client ID is right, copy",
            Check(page, "provider authentik"),
            StringComparison.Ordinal);
        Assert.Equal("ok", Check(page, "paperless"));
    }

    [Fact]
    public async Task While_people_can_sign_in_with_a_password_a_refused_client_secret_makes_the_gateway_degraded()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Services = services => services.AddHostedService<StartupChecks>();
        });
        JsonObject app = ProvidersSetting.Of(world.Provider);
        app["secret"] = "not the secret";
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
        world.StartGateway();
        await world.Log.WaitForAsync("CheckFailed");

        Page page = await AskAsync(world, "/health/ready");

        Assert.Equal((HttpStatusCode.OK, "degraded"), (page.Status, Status(page)));
    }

    [Fact]
    public async Task An_API_token_of_an_ordinary_user_makes_the_gateway_unready_until_it_is_a_superusers()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true";
            options.Services = services => services.AddHostedService<StartupChecks>();
        });
        world.Options.ApiToken = world.Paperless.Data.TokenOf("bob");
        world.StartGateway();
        await world.Log.WaitForAsync("CheckFailed");

        Page page = await AskAsync(world, "/health/ready");

        Assert.Equal("unready", Status(page));
        Assert.Contains("bob, who is no superuser. Set GATEWAY_PAPERLESS_TOKEN", Check(page, "paperless"), StringComparison.Ordinal);

        world.Paperless.Data.UpdateUser("bob", user => user with { IsSuperuser = true });
        await Wait.UntilAsync(
            async () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(10));
                return Status(await AskAsync(world, "/health/ready")) == "ready";
            },
            "The gateway is ready.");
    }

    [Fact]
    public async Task A_provider_unavailable_since_the_start_degrades_the_health_too()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        world.Provider.Outage = Outage.DropsConnections;
        world.StartGateway();

        Page away = await AskAsync(world, "/health/ready");

        Assert.Equal(HttpStatusCode.OK, away.Status);
        Assert.Equal("degraded", Status(away));
    }

    [Fact]
    public async Task While_Paperless_is_unavailable_the_gateway_is_unready()
    {
        await using World world = await World.StartAsync();
        using (world.Paperless.Faults.Drop(_ => true))
        {
            Page away = await AskAsync(world, "/health/ready");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, away.Status);
            Assert.Equal("unready", Status(away));
            Assert.Equal("ok", Check(away, "store"));
            Assert.NotEqual("ok", Check(away, "paperless"));
            Assert.Equal(HttpStatusCode.OK, (await AskAsync(world, "/health/live")).Status);
        }

        world.Clock.Advance(AWhile);
        Assert.Equal("ready", Status(await AskAsync(world, "/health/ready")));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(400)]
    public async Task A_Paperless_that_answers_with_an_error_makes_the_gateway_unready(int status)
    {
        await using World world = await World.StartAsync();
        using Fault broken = world.Paperless.Faults.Answer(_ => true, status);

        Page page = await AskAsync(world, "/health/ready");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Equal($"it answers {status}", Check(page, "paperless"));
    }

    [Fact]
    public async Task A_store_that_cannot_be_read_makes_the_gateway_unready()
    {
        await using World world = await World.StartAsync();
        await world.Gateway.Services.GetRequiredService<Database>().WriteAsync(
            connection =>
            {
                using Microsoft.Data.Sqlite.SqliteCommand drop = connection.CreateCommand();
                drop.CommandText = "DROP TABLE sessions;";
                return drop.ExecuteNonQuery();
            },
            World.Ct);

        Page page = await AskAsync(world, "/health/ready");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.NotEqual("ok", Check(page, "store"));
        Assert.Equal("ok", Check(page, "paperless"));
    }

    [Fact]
    public async Task A_readiness_check_of_a_hanging_store_times_out_after_three_seconds()
    {
        StoreWatch watch = new();
        await using World world = await World.StartAsync(options => options.Services = watch.Install);
        watch.Hanging = nameof(ISessionStore.CheckAsync);

        Task<Page> answer = AskAsync(world, "/health/ready");
        await watch.Hung.WaitAsync(TimeSpan.FromSeconds(20), World.Ct);
        world.Clock.Advance(TimeSpan.FromSeconds(3) - TimeSpan.FromMilliseconds(1));
        Assert.False(answer.IsCompleted);
        world.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Page page = await answer.WaitAsync(TimeSpan.FromSeconds(20), World.Ct);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unready"), (page.Status, Status(page)));
        Assert.Equal("does not answer in time", Check(page, "store"));
    }

    [Fact]
    public async Task Failed_health_checks_give_one_log_line_and_an_answer_without_secrets()
    {
        StoreWatch watch = new() { Unavailable = nameof(ISessionStore.CheckAsync) };
        await using World world = await World.StartAsync(options => options.Services = watch.Install);
        world.Provider.Outage = Outage.ServiceUnavailable;
        using Fault away = world.Paperless.Faults.Drop(_ => true);

        Page page = await AskAsync(world, "/health/ready");

        Assert.Equal("unready", Status(page));
        Assert.Equal("the test has taken it away", Check(page, "store"));
        Assert.All(
            [world.Provider.Options.ClientSecret, world.Paperless.Data.TokenOf(World.GatewayUser)],
            secret => Assert.DoesNotContain(secret, page.Text, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", page.Text, StringComparison.Ordinal);
        Assert.Single(world.Log.Of("NotReady"));
        Assert.DoesNotContain(
            world.Log.Events,
            line => CapturedLog.Value(line, "SourceContext").StartsWith("Microsoft.Extensions.Diagnostics", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Frequent_health_requests_get_a_cached_answer_and_ask_Paperless_once()
    {
        await using World world = await World.StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => AskAsync(world, "/health/ready")));

        Assert.Single(world.Forwarded);
    }

    [Fact]
    public async Task While_the_gateway_stops_it_is_live_but_not_ready()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault held = world.Paperless.Faults.Hold(request => request.Path == "/api/documents/");
        Task<Page> underWay = alice.FetchAsync("/api/documents/");
        await held.ArrivedAsync(World.Ct);
        Uri management = world.Gateway.Management;

        IHostApplicationLifetime lifetime = world.Gateway.Services.GetRequiredService<IHostApplicationLifetime>();
        lifetime.StopApplication();

        Page page = await AskAsync(world, new Uri(management, "/health/ready").AbsoluteUri);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Equal("""{"status":"stopping","checks":{}}""", page.Text);
        Page serving = await AskAsync(world, new Uri(management, "/health/serving").AbsoluteUri);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "stopping"), (serving.Status, serving.Text));
        held.Release();
        Assert.Equal(HttpStatusCode.OK, (await underWay).Status);
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/health/serving")]
    [InlineData("/metrics")]
    public async Task The_public_address_does_not_serve_the_management_endpoints(string path)
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.SendAsync(HttpMethod.Get, path);

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.DoesNotContain("checks", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/accounts/login/")]
    [InlineData("/gateway/session")]
    [InlineData("/static/frontend/en-US/main.js")]
    [InlineData("/api/documents/")]
    [InlineData("/health")]
    [InlineData("/health/ready/")]
    public async Task The_management_address_serves_management_endpoints_only(string path)
    {
        await using World world = await World.StartAsync();

        Page page = await AskAsync(world, path);

        Assert.Equal((HttpStatusCode.NotFound, ""), (page.Status, page.Text));
        Assert.Empty(world.Forwarded);
    }

    private static async Task<Page> AskAsync(World world, string path)
    {
        using Visitor probe = world.NewVisitor();
        return await probe.SendAsync(HttpMethod.Get, new Uri(world.Gateway.Management, path).AbsoluteUri);
    }

    private static string? Status(Page page) => JsonDocument.Parse(page.Text).RootElement.GetProperty("status").GetString();

    private static string? Check(Page page, string name) => JsonDocument.Parse(page.Text).RootElement.GetProperty("checks").GetProperty(name).GetString();
}
