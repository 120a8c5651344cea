using Gateway.Operations;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Gateway.Tracing;
using Serilog.Events;

namespace Gateway.Tests.Operations;

/// <summary>What each line about a person or a refusal says of its request.</summary>
public sealed class RequestEnricherTests
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    [Fact]
    public async Task A_line_of_a_request_says_who_asked_for_what_from_where()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1");
        using Visitor alice = await world.SignedInAsync("alice", userAgent: Firefox);

        await alice.FetchAsync(HttpMethod.Post, "/api/documents/17/", null, ("Origin", "https://evil.example"), ("X-Forwarded-For", "198.51.100.7"));

        LogEvent signedIn = Assert.Single(world.Log.Of("SignedIn"));
        Assert.Equal(
            ("GET", "/accounts/oidc/authentik/login/callback/", "Firefox"),
            (CapturedLog.Value(signedIn, "Method"), CapturedLog.Value(signedIn, "Path"), CapturedLog.Value(signedIn, "Agent")));
        LogEvent refused = Assert.Single(world.Log.Of("Refused"));
        Assert.Equal("198.51.100.7", CapturedLog.Value(refused, "Client"));
        Assert.Equal("/api/documents/{id}/", CapturedLog.Value(refused, "Path"));
        Assert.Equal(CapturedLog.Value(signedIn, "Session"), CapturedLog.Value(refused, "Session"));
        LogEvent request = world.Log.Of("Request")[^1];
        Assert.Equal("198.51.100.7", CapturedLog.Value(request, "Client"));
        Assert.Equal("alice", CapturedLog.Value(request, "User"));
        Assert.NotEqual("", CapturedLog.Value(signedIn, "TraceId"));
    }

    [Fact]
    public async Task The_poll_of_an_expired_session_is_no_warning()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromDays(30));

        await alice.FetchAsync("/api/tasks/");

        Assert.Equal(LogEventLevel.Information, Assert.Single(world.Log.Of("Refused")).Level);
    }

    [Fact]
    public async Task A_mistyped_address_and_a_prefetched_sign_in_are_no_warnings_and_a_request_of_another_site_is_one()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        await alice.OpenAsync("/gateway/nothing");
        await alice.OpenAsync("/accounts/oidc/authentik/login/", "none", ("Sec-Purpose", "prefetch"));
        await alice.FetchAsync(HttpMethod.Post, "/api/documents/17/", null, ("Origin", "https://evil.example"));

        Assert.Equal(
            [("not_found", LogEventLevel.Information), ("sign_in_embedded", LogEventLevel.Information), ("cross_site", LogEventLevel.Warning)],
            world.Log.Of("Refused").Select(line => (CapturedLog.Value(line, "Code"), line.Level)));
    }

    [Theory]
    [InlineData("Auto", false, false, true)]
    [InlineData("Auto", false, true, false)]
    [InlineData("Auto", true, true, true)]
    [InlineData("Json", true, false, false)]
    [InlineData("Text", false, true, true)]
    public void The_log_is_text_on_a_terminal_and_in_development_and_JSON_elsewhere(string format, bool isDevelopment, bool isRedirected, bool isText) =>
        Assert.Equal(isText, LogFeature.IsText(Enum.Parse<LogFormat>(format), isDevelopment, isRedirected));

    [Theory]
    [InlineData(null, null, true, true)]
    [InlineData(null, "false", true, false)]
    [InlineData("warning", null, false, false)]
    [InlineData("warning", "true", false, true)]
    public async Task The_level_and_the_line_of_each_request_are_set_apart(string? level, string? lines, bool hasEvents, bool hasLines)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_LOG_LEVEL"] = level;
            options.Settings["GATEWAY_ACCESS_LOG"] = lines;
        });
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal((hasEvents, hasLines), (world.Log.Of("SignedIn").Count > 0, world.Log.Of("Request").Count > 0));
    }

    [Fact]
    public void A_line_of_work_beside_the_request_does_not_read_its_headers()
    {
        DefaultHttpContext context = new();
        context.Request.Headers.UserAgent = Firefox;
        context.Request.Headers["X-Request-Id"] = "f9ed";
        LoggedRequest request = LoggedRequest.Begin(context, RequestId.Keep(context));
        context.Request.Headers.Clear();
        LogEvent line = new(DateTimeOffset.UnixEpoch, LogEventLevel.Information, null, MessageTemplate.Empty, []);

        new RequestEnricher().Enrich(line, null!);
        request.End();

        Assert.Equal(("Firefox", "f9ed"), (CapturedLog.Value(line, "Agent"), CapturedLog.Value(line, "RequestId")));
    }

    /// <summary>A process of its own, because the environment is: the test host passes settings as arguments, with empty values for their sections.</summary>
    [Theory]
    [Needs(RealPart.Process)]
    [InlineData(null, true)]
    [InlineData("Warning", false)]
    public async Task The_environment_has_Serilogs_own_settings(string? level, bool hasLines)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = world.Settings();
        settings["ASPNETCORE_URLS"] = world.Origin;
        if (level is not null)
        {
            settings["Serilog__MinimumLevel__Override__Gateway.AccessLog"] = level;
        }

        await using ProgramProcess gateway = await ProgramProcess.ServeAsync(settings);
        using Visitor alice = await world.SignedInAsync("alice");
        await gateway.SignalAsync("TERM");
        Assert.Equal(0, await gateway.ExitAsync());

        Assert.Contains(gateway.Output, line => line.Contains("\"SignedIn\"", StringComparison.Ordinal));
        Assert.Equal(hasLines, gateway.Output.Any(line => line.Contains("\"Gateway.AccessLog\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Work_that_outlives_a_request_does_not_log_the_next_one()
    {
        DefaultHttpContext context = new();
        LoggedRequest request = LoggedRequest.Begin(context, requestId: null);
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<int> background = ReadLaterAsync(ended.Task);

        Assert.Equal(1, Read());
        request.End();
        ended.SetResult();
        Assert.Equal(0, await background);

        static async Task<int> ReadLaterAsync(Task ended)
        {
            await ended;
            return Read();
        }

        static int Read()
        {
            List<HttpContext> read = [];
            LoggedRequest.Current!.Read(read, static (context, all) => all.Add(context));
            return read.Count;
        }
    }
}
