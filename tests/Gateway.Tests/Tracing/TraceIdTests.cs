using System.Text.Json;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tracing;

namespace Gateway.Tests.Tracing;

/// <summary>The ids of a request without tracing: the trace id, and the `X-Request-Id` of a client.</summary>
public sealed class TraceIdTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";

    private const string Parent = $"00-{Trace}-b7ad6b7169203331-01";

    [Fact]
    public async Task Each_request_has_a_trace_id_of_its_own_and_a_client_can_give_one()
    {
        await using World world = await World.StartAsync();
        using Visitor nobody = world.NewVisitor();

        string first = await TraceIdAsync(nobody);
        string second = await TraceIdAsync(nobody);
        Assert.Matches("^[0-9a-f]{32}$", first);
        Assert.NotEqual(first, second);
        Assert.Equal(Trace, await TraceIdAsync(nobody, ("traceparent", Parent)));
        Assert.Equal(3, world.Log.Of("Refused").Select(line => CapturedLog.Value(line, "TraceId")).Intersect([first, second, Trace]).Count());
        Assert.Equal([first, second, Trace], world.Log.Of("Request").Select(line => CapturedLog.Value(line, "TraceId")));
    }

    [Fact]
    public void Two_threads_of_a_request_have_the_same_trace_id()
    {
        const int threads = 4;
        using Barrier start = new(threads);
        for (int round = 0; round < 200; round++)
        {
            // As in Kestrel, the id is there before anybody asks.
            DefaultHttpContext context = new() { TraceIdentifier = "0HNH" };
            string[] ids = new string[threads];
            Thread[] all = [.. Enumerable.Range(0, threads).Select(number => new Thread(() =>
            {
                start.Meet();
                ids[number] = context.TraceId();
            }))];
            Array.ForEach(all, thread => thread.Start());
            Array.ForEach(all, thread => thread.Join());

            Assert.Single(ids.Distinct());
        }
    }

    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    [InlineData("nonsense")]
    public async Task A_malformed_trace_context_is_ignored(string parent)
    {
        await using World world = await World.StartAsync();
        using Visitor nobody = world.NewVisitor();

        string id = await TraceIdAsync(nobody, ("traceparent", parent));
        Assert.Matches("^[0-9a-f]{32}$", id);
        Assert.DoesNotContain(id, parent, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("127.0.0.1,::1")]
    public async Task Without_tracing_the_context_of_a_trusted_proxy_alone_reaches_Paperless(string? trusted)
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_TRUSTED_PROXIES"] = trusted);
        using Visitor nobody = world.NewVisitor();

        await nobody.SendAsync(HttpMethod.Get, "/api/schema/", null, ("traceparent", Parent), ("tracestate", "vendor=1"), ("baggage", "user=1"));

        ReceivedRequest received = Assert.Single(world.Forwarded);
        Assert.Equal(trusted is null ? [] : [Parent], received.Lines("traceparent"));
        Assert.Equal(trusted is null ? [] : ["vendor=1"], received.Lines("tracestate"));
        Assert.Equal(trusted is null ? [] : ["user=1"], received.Lines("baggage"));
    }

    [Fact]
    public async Task The_request_id_of_a_client_reaches_Paperless_the_log_and_the_answer()
    {
        await using World world = await World.StartAsync();
        using Visitor nobody = world.NewVisitor();
        const string id = "f9ed4675f1c53513c61a3b3b4e25b4c0";

        Page answered = await nobody.SendAsync(HttpMethod.Get, "/api/schema/", null, ("X-Request-Id", id));
        Page refused = await nobody.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("X-Request-Id", id));

        Assert.Equal((id, id), (answered.Header("X-Request-Id"), refused.Header("X-Request-Id")));
        Assert.Equal([id], Assert.Single(world.Forwarded).Lines("X-Request-Id"));
        Assert.Equal(id, CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "RequestId"));
        await Wait.UntilAsync(() => world.Log.Of("Request").Count == 2, "Both requests are logged.");
        Assert.All(world.Log.Of("Request"), line => Assert.Equal(id, CapturedLog.Value(line, "RequestId")));
    }

    [Theory]
    [InlineData("with space")]
    [InlineData("<script>")]
    [InlineData("\"quoted\"")]
    public async Task A_request_id_with_other_characters_is_dropped(string id)
    {
        await using World world = await World.StartAsync();
        using Visitor nobody = world.NewVisitor();

        await AssertDroppedAsync(world, nobody, ("X-Request-Id", id));
        await AssertDroppedAsync(world, nobody, ("X-Request-Id", new string('a', 129)));
        await AssertDroppedAsync(world, nobody, ("X-Request-Id", "one"), ("X-Request-Id", "two"));
    }

    private static async Task AssertDroppedAsync(World world, Visitor visitor, params (string, string)[] headers)
    {
        world.Paperless.ForgetReceived();
        int logged = world.Log.Of("Request").Count;
        Page page = await visitor.SendAsync(HttpMethod.Get, "/api/schema/", null, headers);
        Assert.Null(page.Header("X-Request-Id"));
        Assert.Empty(Assert.Single(world.Forwarded).Lines("X-Request-Id"));
        await Wait.UntilAsync(() => world.Log.Of("Request").Count == logged + 1, "The request is logged.");
        Assert.Equal("", CapturedLog.Value(world.Log.Of("Request")[^1], "RequestId"));
    }

    private static async Task<string> TraceIdAsync(Visitor visitor, params (string, string)[] headers)
    {
        Page page = await visitor.FetchAsync(HttpMethod.Get, "/api/documents/", null, headers);
        return JsonDocument.Parse(page.Text).RootElement.GetProperty("traceId").GetString()!;
    }
}
