using System.Text.Json;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Tracing;

/// <summary>The spans that the gateway sends, as a process of its own: spans of other gateways in this process would be among them.</summary>
[Needs(RealPart.Process)]
public sealed class TracingTests : IAsyncLifetime
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";

    private const string Span = "b7ad6b7169203331";

    private SpanReceiver _collector = null!;

    public async ValueTask InitializeAsync() => _collector = await SpanReceiver.StartAsync();

    public ValueTask DisposeAsync() => _collector.DisposeAsync();

    [Fact]
    public async Task A_trace_spans_the_browser_the_gateway_and_Paperless_and_its_id_is_in_the_log()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using ProgramProcess gateway = await ServeAsync(world);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        await alice.FetchAsync(HttpMethod.Get, "/api/documents/17/?query=sEcret", null, ("traceparent", $"00-{Trace}-{Span}-00"));
        Page refused = await alice.FetchAsync(
            HttpMethod.Post, "/api/documents/17/", null, ("Origin", "https://evil.example"), ("traceparent", $"00-{Trace}-{Span}-00"));

        IReadOnlyList<ReceivedSpan> spans = await _collector.WaitForAsync("the spans of both requests", all => all.Count(one => one.TraceId == Trace) == 3);
        ReceivedSpan[] own = [.. spans.Where(one => one.TraceId == Trace)];
        ReceivedSpan server = Assert.Single(own, one => one.Kind == ReceivedSpan.Server && one.Name == "GET /api/documents/{id}/");
        ReceivedSpan client = Assert.Single(own, one => one.Kind == ReceivedSpan.Client);
        Assert.Equal((Span, server.Id), (server.ParentId, client.ParentId));
        Assert.Equal("/api/documents/{id}/", server.Attributes["url.path"]);
        Assert.EndsWith("/api/documents/{id}/", client.Attributes["url.full"], StringComparison.Ordinal);
        ReceivedRequest received = Assert.Single(world.Forwarded);
        Assert.Equal([$"00-{Trace}-{client.Id}-01"], received.Lines("traceparent"));

        Assert.Equal(Trace, JsonDocument.Parse(refused.Text).RootElement.GetProperty("traceId").GetString());
        Assert.Equal("403", Assert.Single(own, one => one.Name == "POST /api/documents/{id}/").Attributes["http.response.status_code"]);
        await Wait.UntilAsync(
            () => gateway.Output.Any(line => line.Contains("\"Refused\"", StringComparison.Ordinal)
                && line.Contains($"\"TraceId\":\"{Trace}\"", StringComparison.Ordinal)),
            "the refusal is logged with the id of the trace",
            () => string.Join('\n', gateway.Output));
    }

    [Fact]
    public async Task The_trace_of_a_sign_in_spans_the_provider_and_no_span_holds_a_code_a_token_or_a_name()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using ProgramProcess gateway = await ServeAsync(world);
        using Visitor alice = await world.SignedInAsync("alice", userAgent: "sEcretAgent");
        await alice.OpenAsync("/share/sEcretSlug");
        await alice.OpenAsync("/unknown-word/?token=sEcretToken");

        IReadOnlyList<ReceivedSpan> spans = await _collector.WaitForAsync(
            "the spans of the callback and of the last request",
            all => all.Any(one => one.Kind == ReceivedSpan.Server && one.Name == "GET …"));
        ReceivedSpan callback = Assert.Single(spans, one => one.Name == "GET /accounts/oidc/{provider}/login/callback/");
        string[] asked = [.. spans.Where(one => one.Kind == ReceivedSpan.Client && one.TraceId == callback.TraceId).Select(one => one.Attributes["url.full"])];
        Assert.Contains(asked, url => url.StartsWith(world.Provider.DiscoveryUrl.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal));
        Assert.Contains(asked, url => url.StartsWith(world.Paperless.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal));
        Assert.Contains(spans, one => one.Name == "GET /share/…");

        string whole = string.Join('\n', spans);
        Assert.All(
            ["sEcret", "alice", "code=", "state=", "eyJ", "?", alice.Cookie("paperless-gateway")!, world.Provider.Options.ClientSecret],
            secret => Assert.DoesNotContain(secret, whole, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_a_trusted_proxy_can_ask_for_a_request_to_be_recorded()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio";
            options.Settings["OTEL_TRACES_SAMPLER_ARG"] = "0";
        });
        await using (ProgramProcess gateway = await ServeAsync(world))
        {
            Assert.Equal($"00-{Trace}", (await ForwardedContextAsync(world))[..35]);
            Assert.EndsWith("-00", await ForwardedContextAsync(world), StringComparison.Ordinal);
            await gateway.SignalAsync("TERM");
            Assert.Equal(0, await gateway.ExitAsync());
        }

        Assert.Empty(_collector.Spans);
        world.Options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1";
        await using ProgramProcess trusting = await ServeAsync(world);
        Assert.EndsWith("-01", await ForwardedContextAsync(world), StringComparison.Ordinal);
        await _collector.WaitForAsync("the span of the trusted proxy's request", all => all.Any(one => one.TraceId == Trace && one.ParentId == Span));
    }

    /// <summary>OpenTelemetry's specification of the exporter: the one address is a base, the other is whole.</summary>
    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "/", "/v1/traces")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "/otlp", "/otlp/v1/traces")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/otlp", "/otlp")]
    public async Task Spans_are_sent_where_the_standard_variables_say(string variable, string path, string sentTo)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> collector = _collector.Settings;
        collector.Remove("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        collector[variable] = new Uri(_collector.Address, path).AbsoluteUri;
        await using ProgramProcess gateway = await ServeAsync(world, collector);
        using Visitor nobody = world.NewVisitor();
        await nobody.OpenAsync("/accounts/login/");

        await _collector.WaitForAsync("a span", all => all.Count > 0);
        Assert.Equal([sentTo], _collector.Paths);
    }

    private static async Task<string> ForwardedContextAsync(World world)
    {
        world.Paperless.ForgetReceived();
        using Visitor nobody = world.NewVisitor();
        await nobody.SendAsync(HttpMethod.Get, "/api/schema/", null, ("traceparent", $"00-{Trace}-{Span}-01"), ("tracestate", "vendor=1"));
        return Assert.Single(Assert.Single(world.Forwarded, request => request.Path == "/api/schema/").Lines("traceparent"));
    }

    private async Task<ProgramProcess> ServeAsync(World world, Dictionary<string, string?>? collector = null)
    {
        Dictionary<string, string?> settings = world.Settings();
        settings["ASPNETCORE_URLS"] = world.Origin;
        settings["ASPNETCORE_ENVIRONMENT"] = "Production";
        foreach ((string name, string? value) in collector ?? _collector.Settings)
        {
            settings[name] = value;
        }

        return await ProgramProcess.ServeAsync(settings);
    }
}
