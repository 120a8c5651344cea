using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Metrics;

/// <summary>The metrics of a store in Redis.</summary>
[Needs(RealPart.Process, RealPart.Redis)]
public sealed class RedisMetricsTests
{
    [Fact]
    public async Task Operations_of_Redis_are_measured_and_an_outage_shows_that_the_store_is_unavailable()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await ScrapedMetrics.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.True(await OperationsAsync(world, "answered") > 0);
        Assert.Equal(1, await world.MetricAsync("gateway_store_available"));

        await redis.KillAsync();
        using Visitor bob = world.NewVisitor();
        await bob.SignInAsync("bob");

        Assert.True(await OperationsAsync(world, "unavailable") > 0);
        Assert.Equal(0, await world.MetricAsync("gateway_store_available"));
    }

    [Fact]
    public async Task A_Redis_whose_memory_is_full_makes_the_gateway_unready_until_it_takes_writes_again()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await ScrapedMetrics.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
        using Visitor prober = world.NewVisitor();
        string ready = new Uri(world.Gateway.Management, "/health/ready").AbsoluteUri;
        Assert.Equal(HttpStatusCode.OK, (await prober.SendAsync(HttpMethod.Get, ready)).Status);

        await redis.AskAsync("CONFIG SET maxmemory 1");
        Page full = default!;
        await Wait.UntilAsync(() => AnswersAsync(HttpStatusCode.ServiceUnavailable), "The gateway is unready.");
        Assert.Contains("OOM", full.Text, StringComparison.Ordinal);

        await redis.AskAsync("CONFIG SET maxmemory 0");
        await Wait.UntilAsync(() => AnswersAsync(HttpStatusCode.OK), "The gateway is ready again.");

        // Each answer of the checks counts for some seconds.
        async Task<bool> AnswersAsync(HttpStatusCode status)
        {
            world.Clock.Advance(TimeSpan.FromSeconds(10));
            return (full = await prober.SendAsync(HttpMethod.Get, ready)).Status == status;
        }
    }

    private static Task<double?> OperationsAsync(World world, string outcome) => world.MetricAsync(
        "gateway_store_operation_duration_seconds_count",
        ("db_system_name", "redis"),
        ("gateway_store_outcome", outcome));
}
