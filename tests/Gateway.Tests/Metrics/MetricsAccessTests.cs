using System.Collections.Concurrent;
using System.Net;
using Gateway.Apps;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;
using OpenTelemetry.Metrics;

namespace Gateway.Tests.Metrics;

/// <summary>Who can read metrics, what they do not contain, and how they are switched off.</summary>
public sealed class MetricsAccessTests
{
    [Fact]
    public async Task Metrics_contain_no_user_name_subject_address_session_or_secret()
    {
        await using World world = await ScrapedMetrics.StartAsync(options => options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1");
        using Visitor alice = await world.SignedInAsync("alice");
        await alice.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("X-Forwarded-For", "198.51.100.7"), ("User-Agent", "Known-Browser"));
        await alice.FetchAsync(HttpMethod.Get, "/share/secret-slug", null, ("X-Forwarded-For", "198.51.100.7"));
        await alice.FetchAsync(new HttpMethod("SECRETMETHOD"), "/api/documents/");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        await alice.GetAsync("/api/documents/", device);
        await alice.OpenAsync("/accounts/logout/", "same-origin");

        string text = (await world.ScrapeAsync()).Text;

        Assert.Contains("gateway_session_ended_total", text, StringComparison.Ordinal);
        string[] unwanted =
        [
            "alice", "198.51.100.7", "Known-Browser", "secret-slug", "SECRETMETHOD", device.Secret, $"{device.Key}",
            world.Provider.Find("alice")!.Subject, world.Provider.Options.ClientSecret,
        ];
        Assert.All(unwanted, word => Assert.DoesNotContain(word, text, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_public_address_shows_no_metrics_with_or_without_a_session()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor stranger = world.NewVisitor();
        using Visitor alice = await world.SignedInAsync("alice");

        Page[] pages = [await stranger.FetchAsync("/metrics"), await alice.FetchAsync("/metrics"), await alice.FetchAsync("/gateway/metrics")];

        Assert.Equal(HttpStatusCode.Unauthorized, pages[0].Status);
        Assert.All(pages, page => Assert.DoesNotContain("gateway_", page.Text, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await world.ScrapeAsync()).Status);
    }

    [Fact]
    public async Task Metrics_are_switched_off_by_GATEWAY_METRICS()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_METRICS"] = "false");

        Assert.Equal(HttpStatusCode.NotFound, (await world.ScrapeAsync()).Status);
        Assert.Null(world.Gateway.Services.GetService<MeterProvider>());
    }

    [Fact]
    public async Task Metrics_are_sent_to_a_collector_if_OTEL_EXPORTER_OTLP_ENDPOINT_is_set()
    {
        ConcurrentQueue<(string Path, string Body)> received = [];
        await using StubSite collector = await StubSite.StartAsync(async context =>
        {
            using StreamReader body = new(context.Request.Body, System.Text.Encoding.Latin1);
            received.Enqueue((context.Request.Path, await body.ReadToEndAsync()));
        });
        await using World world = await ScrapedMetrics.StartAsync(options =>
        {
            options.Settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.AbsoluteUri;
            options.Settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
            options.Settings["OTEL_METRIC_EXPORT_INTERVAL"] = "200";
            options.Settings["OTEL_SERVICE_NAME"] = "documents";
        });

        await Wait.UntilAsync(
            () => received.Any(one => one.Path == "/v1/metrics" && one.Body.Contains("gateway.session.live", StringComparison.Ordinal)
                && one.Body.Contains("documents", StringComparison.Ordinal)),
            "The collector gets the metrics.");
    }
}
