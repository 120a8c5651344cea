using System.Net;
using Gateway.ReadAhead;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.Metrics;
using static Gateway.Tests.ReadAhead.ReadAheadWorld;

namespace Gateway.Tests.ReadAhead;

/// <summary>The gateway asks for what a page asked for last time, and answers the page with it.</summary>
public sealed class ReadAheadTests
{
    [Fact]
    public async Task A_page_gets_the_answers_that_the_gateway_asked_for_when_it_was_opened()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice");

        await world.OpenPageAsync(alice);
        int asked = world.Forwarded.Count;
        foreach (string path in Chain)
        {
            Page ahead = await alice.FetchAsync(path);
            Assert.Equal(asked, world.Forwarded.Count);
            Page forwarded = await alice.FetchAsync(path);
            Assert.Equal(++asked, world.Forwarded.Count);
            Assert.Equal((forwarded.Status, forwarded.Text), (ahead.Status, ahead.Text));
            Assert.Equal(HeadersOf(forwarded), HeadersOf(ahead));
        }
    }

    [Fact]
    public async Task A_page_below_a_script_name_over_HTTP_2_gets_the_answers_too()
    {
        await using World world = await StartAsync(options => (options.ScriptName, options.Https) = ("/docs", true));
        using Visitor alice = world.NewVisitor(HttpVersion.Version20);
        Assert.Equal(HttpStatusCode.OK, (await alice.SignInAsync("alice", "/docs/")).Status);
        await alice.FetchAsync("/docs" + Fields);
        world.Paperless.ForgetReceived();

        await world.OpenPageAsync(alice, ahead: 1, "/docs/");
        Page page = await alice.FetchAsync("/docs" + Fields);

        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20, 1), (page.Status, page.Response.Version, world.Count("/docs" + Fields)));
    }

    [Fact]
    public async Task A_question_ahead_is_the_request_that_the_page_sent()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice", userAgent: "A browser");
        await alice.FetchAsync(HttpMethod.Get, UiSettings, null, ("Accept", "application/json; version=10"), ("Accept-Language", "de"));
        ReceivedRequest page = world.Forwarded[^1];

        await alice.OpenAsync("/", "none", ("Accept-Language", "de"));
        await Wait.UntilAsync(() => world.Count(UiSettings) == 2 && world.Forwarded[^1].Status != 0, "The gateway asks ahead, and has the answer.");
        ReceivedRequest ahead = world.Forwarded[^1];

        foreach (string name in (string[])["Accept", "Accept-Language", "Cookie", "Host", "Remote-User", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host"])
        {
            Assert.Equal((name, page.Header(name)), (name, ahead.Header(name)));
        }

        Assert.Equal("alice", ahead.SignedInAs);
    }

    [Fact]
    public async Task The_first_page_of_a_new_session_asks_ahead_with_the_cookie_that_Paperless_has_just_set()
    {
        await using World world = await StartAsync();
        using Visitor before = await world.WhoseChainIsKnownAsync("alice");

        using Visitor alice = await world.SignedInAsync("alice");
        await Wait.UntilAsync(() => Chain.All(path => world.Count(path) == 1), "The gateway asks ahead.");
        Page page = await alice.FetchAsync(UiSettings);

        Assert.Equal((HttpStatusCode.OK, 1), (page.Status, world.Count(UiSettings)));
        Assert.All(world.Forwarded.Where(request => Chain.Contains(request.RawTarget)), request => Assert.Equal("alice", request.SignedInAs));
    }

    [Fact]
    public async Task An_answer_is_given_once_and_not_after_two_seconds()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice");
        await world.OpenPageAsync(alice);
        await alice.FetchAsync(UiSettings);
        await alice.FetchAsync(UiSettings);
        Assert.Equal(2, world.Count(UiSettings));

        world.Clock.Advance(TimeSpan.FromSeconds(2.1));
        await alice.FetchAsync(Fields);

        Assert.Equal(2, world.Count(Fields));
        await world.CloseAsync();
    }

    [Fact]
    public async Task A_request_waits_for_an_answer_that_is_on_its_way()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice", UiSettings);
        using Fault hold = world.Paperless.Faults.Hold(request => request.RawTarget == UiSettings);
        await alice.OpenAsync("/");
        await hold.ArrivedAsync(World.Ct);

        Task<Page> waiting = alice.FetchAsync(UiSettings);
        await world.ReachedTheGatewayAsync();
        Assert.False(waiting.IsCompleted);
        hold.Release();

        Assert.Equal((HttpStatusCode.OK, 1), ((await waiting).Status, world.Count(UiSettings)));
    }

    [Fact]
    public async Task A_request_waits_for_two_seconds_at_most()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice", UiSettings);
        using Fault hold = world.Paperless.Faults.Hold(request => request.RawTarget == UiSettings);
        await alice.OpenAsync("/");
        await hold.ArrivedAsync(World.Ct);

        Task<Page> waiting = alice.FetchAsync(UiSettings);
        await world.ReachedTheGatewayAsync();
        await Wait.UntilAsync(
            () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(1));
                return hold.Hits == 2;
            },
            "The page's own request is forwarded.");
        hold.Release();

        Assert.Equal(HttpStatusCode.OK, (await waiting).Status);
        await world.CloseAsync();
    }

    [Fact]
    public async Task At_most_two_questions_of_a_page_are_under_way_in_the_order_of_the_page()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice");
        List<string> asked = [];
        using Fault hold = world.Paperless.Faults.Hold(request =>
        {
            bool isAhead = request.RawTarget.StartsWith("/api/", StringComparison.Ordinal);
            lock (asked)
            {
                asked.AddRange(isAhead ? [request.RawTarget] : []);
            }

            return isAhead;
        });

        await alice.OpenAsync("/");
        await hold.StruckAsync(World.Ct);
        await hold.StruckAsync(World.Ct);

        Assert.Equal(2, hold.Hits);

        // What is not asked for yet is forwarded at once, and then not asked for ahead.
        Task<Page> third = alice.FetchAsync(Statistics);
        await hold.StruckAsync(World.Ct);
        Assert.Equal([UiSettings, Fields], asked[..2].OrderDescending());
        hold.Release();

        Assert.Equal(HttpStatusCode.OK, (await third).Status);
        await alice.FetchAsync(UiSettings);
        await alice.FetchAsync(Fields);
        Assert.Equal([1, 1, 1], Chain.Select(world.Count));
    }

    [Fact]
    public async Task What_two_pages_in_a_row_did_not_ask_for_is_not_asked_for_ahead_any_more()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice");
        for (int page = 0; page < 2; page++)
        {
            await world.OpenPageAsync(alice);
            await alice.FetchAsync(UiSettings);
            await world.CloseAsync();
        }

        world.Paperless.ForgetReceived();
        await world.OpenPageAsync(alice, ahead: 1);
        await alice.FetchAsync(UiSettings);

        Assert.Equal([1, 0, 0], Chain.Select(world.Count));
    }

    [Fact]
    public async Task The_requests_of_each_page_are_remembered_apart_and_only_the_first_twelve()
    {
        await using World world = await StartAsync();
        string[] many = [.. Enumerable.Range(1, 14).Select(number => $"/api/tags/?page_size={number}")];
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice", many);
        await world.CloseAsync();
        await alice.OpenAsync("/documents");
        await alice.FetchAsync(Statistics);
        await world.CloseAsync();

        world.Paperless.ForgetReceived();
        await world.OpenPageAsync(alice, ahead: 1, "/documents");
        Assert.Equal(1, world.Count(Statistics));
        await world.OpenPageAsync(alice, ahead: 12);
        Assert.Equal(many[..12], many.Where(path => world.Count(path) > 0));
    }

    [Fact]
    public async Task What_a_page_asks_for_later_than_two_seconds_after_its_opening_is_not_remembered()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.CloseAsync();
        await alice.FetchAsync(UiSettings);
        world.Paperless.ForgetReceived();

        await alice.OpenAsync("/");
        await world.CloseAsync();

        Assert.Equal(0, world.Count(UiSettings));
    }

    [Fact]
    public void The_number_of_remembered_people_and_pages_is_limited()
    {
        RememberedPages all = new(ReadAheadLimits.Default with { MaxPages = 2, MaxPeople = 2 });
        RememberedPerson alice = all.Of("alice");
        alice.Page("/").NoteRequest(new PageRequest(UiSettings, ""), 1);
        alice.Page("/documents");
        Assert.Single(alice.Page("/").Open());
        alice.Page("/documents");
        alice.Page("/tags");
        Assert.Empty(alice.Page("/").Open());

        all.Of("bob");
        Assert.Same(alice, all.Of("alice"));
        all.Of("carol");
        all.Of("dave");
        Assert.NotSame(alice, all.Of("alice"));
    }

    [Fact]
    public Task Nothing_is_asked_ahead_where_it_is_switched_off() =>
        AssertOffAsync(options => options.Settings["GATEWAY_READ_AHEAD"] = "false");

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task With_Redis_nothing_is_asked_ahead_unless_it_is_switched_on()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await AssertOffAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
    }

    private static async Task AssertOffAsync(Action<WorldOptions> configure)
    {
        await using World world = await StartAsync(configure);
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice");

        await alice.OpenAsync("/");
        await alice.FetchAsync(UiSettings);

        Assert.Equal([1, 0, 0], Chain.Select(world.Count));
    }

    [Fact]
    public async Task After_a_failure_inside_the_gateway_the_requests_of_the_page_are_forwarded()
    {
        ReadAheadLimits broken = ReadAheadLimits.Default with { ConcurrentPerPage = 0 };
        await using World world = await StartAsync(options => options.Services = services => services.AddSingleton(broken));
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice");

        await alice.OpenAsync("/");
        await world.Log.WaitForAsync("ReadAheadFailed");
        Page[] pages = await Task.WhenAll(Chain.Select(alice.FetchAsync));

        Assert.All(pages, page => Assert.Equal(HttpStatusCode.OK, page.Status));
        Assert.Equal([1, 1, 1], Chain.Select(world.Count));
    }

    [Fact]
    public async Task Answers_that_were_asked_for_ahead_are_counted_by_what_became_of_them()
    {
        await using World world = await StartAsync(options => options.Settings["GATEWAY_METRICS"] = null);
        using Visitor alice = await world.WhoseChainIsKnownAsync("alice");
        await world.OpenPageAsync(alice);
        await alice.FetchAsync(UiSettings);
        await world.CloseAsync();
        await world.OpenPageAsync(alice);
        using StringContent json = new("{}", System.Text.Encoding.UTF8, "application/json");
        await alice.FetchAsync(HttpMethod.Patch, "/api/documents/1/", json);
        await alice.FetchAsync(UiSettings);
        await world.CloseAsync();

        await world.UntilCountedAsync(1, "gateway_read_ahead_answers_total", ("gateway_read_ahead_outcome", "used"));
        await world.UntilCountedAsync(2, "gateway_read_ahead_answers_total", ("gateway_read_ahead_outcome", "unused"));
        await world.UntilCountedAsync(3, "gateway_read_ahead_answers_total", ("gateway_read_ahead_outcome", "discarded"));
    }

    private static string[] HeadersOf(Page page) =>
    [
        .. page.Response.Headers.Concat(page.Response.Content.Headers).Where(header => header.Key != "Date")
            .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}").Order(StringComparer.Ordinal),
    ];
}
