using System.Collections.Concurrent;
using System.Net;
using Gateway.Sessions;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>Two gateway processes on one Redis are killed and restarted while browsers keep sending requests.</summary>
[Needs(RealPart.Process, RealPart.Redis)]
public sealed class ReplicaProcessTests : IAsyncLifetime
{
    private readonly int _one = World.FreePort();
    private readonly int _two = World.FreePort();
    private RedisServer _redis = null!;
    private World _world = null!;
    private ProgramProcess _first = null!;
    private ProgramProcess _second = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync(keeps: true);
        _world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_REDIS_URL"] = _redis.Url;
        });
        ProgramProcess[] both = await Task.WhenAll(StartAsync(_one), StartAsync(_two));
        (_first, _second) = (both[0], both[1]);
    }

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        await _world.DisposeAsync();
        await _redis.DisposeAsync();
        foreach (int port in new[] { _one, _two })
        {
            Directory.Delete(DataOf(port), recursive: true);
        }
    }

    [Fact]
    public async Task Restarts_of_replicas_and_Redis_sign_nobody_out_and_restore_no_ended_session()
    {
        List<Browser> stay = [];
        for (int number = 0; number < 4; number++)
        {
            stay.Add(await SignInAsync(number % 2 == 0 ? _one : _two, number % 2 == 0 ? "alice" : "bob"));
        }

        Browser revoked = await SignInAsync(_one, "bob");
        ProviderSession session = _world.Provider.Sessions[^1];
        Browser leaves = await SignInAsync(_two, "bob");
        Browser newcomer = new(_world, _one, _two);
        Browser[] all = [.. stay, revoked, leaves];
        foreach (Browser browser in all)
        {
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await browser.AskAsync(_one), await browser.AskAsync(_two)));
        }

        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(World.Ct);
        Task load = Task.WhenAll(all.Select(browser => browser.LoadAsync(over.Token)));

        // The provider ends one at one gateway; the other has known it.
        using (Visitor provider = new(_world, certificate: null, replica: _one))
        using (FormUrlEncodedContent form = new([new("logout_token", _world.Provider.CreateLogoutToken(session))]))
        {
            Assert.Equal(HttpStatusCode.OK, (await provider.SendAsync(HttpMethod.Post, "/accounts/oidc/authentik/logout/backchannel/", form)).Status);
        }

        await RefusedAsync(revoked, _two);
        revoked.MustBeOut();

        // Redis hangs, then goes; who is unknown waits on a page, and a sign-out is taken.
        await _redis.SignalAsync("STOP");
        await AllWorkAsync(stay);
        await _redis.SignalAsync("CONT");
        await _redis.KillAsync();
        await AllWorkAsync(stay);
        Page waits = await newcomer.At(_two).NavigateAsync("/accounts/oidc/authentik/login/?next=%2F", "same-origin");
        Assert.True(waits.Trail.Count <= 2, $"It goes round: {string.Join(' ', waits.Trail)}");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"), (waits.Status, waits.Header("Refresh")?.Split(';')[0]));
        Assert.Equal(HttpStatusCode.SeeOther, (await leaves.At(_two).OpenAsync("/accounts/logout/", "same-origin")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, await leaves.AskAsync(_two));
        await _redis.StartAgainAsync();
        await RefusedAsync(leaves, _one);
        leaves.MustBeOut();

        // One is killed in the middle of it all, and comes again.
        await _first.SignalAsync("KILL");
        await _first.ExitAsync();
        await AllWorkAsync(stay, _two);
        await _first.DisposeAsync();
        _first = await StartAsync(_one);
        await AllWorkAsync(stay, _one);
        Assert.Equal("/documents/2", (await newcomer.SignInAsync(_one, "alice")).Address.PathAndQuery);
        await AnsweredAsync(newcomer, _two);

        await over.CancelAsync();
        await load;
        foreach (Browser browser in stay)
        {
            Assert.DoesNotContain(browser.Seen, seen => seen is not (HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable));
            Assert.True(browser.Seen.Count > 50, $"Only {browser.Seen.Count} requests were answered.");
        }

        foreach (Browser browser in new[] { revoked, leaves })
        {
            Assert.DoesNotContain(HttpStatusCode.OK, browser.SeenWhenOut);
            Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (await browser.AskAsync(_one), await browser.AskAsync(_two)));
        }

        Array.ForEach([.. all, newcomer], browser => browser.Dispose());
    }

    private string DataOf(int port) => _world.DataDirectory + "-" + port;

    private async Task<ProgramProcess> StartAsync(int port)
    {
        ProgramProcess gateway = ProgramProcess.Start(
            "Gateway",
            [$"--urls=http://localhost:{port}"],
            new Dictionary<string, string?>(_world.Settings()) { ["GATEWAY_DATA_DIR"] = DataOf(port) });
        await gateway.LineAsync(line => line.Contains("Application started", StringComparison.Ordinal));
        return gateway;
    }

    private async Task<Browser> SignInAsync(int port, string person)
    {
        Browser browser = new(_world, _one, _two);
        Assert.Equal("/documents/2", (await browser.SignInAsync(port, person)).Address.PathAndQuery);
        return browser;
    }

    private async Task AllWorkAsync(IEnumerable<Browser> browsers, int? port = null)
    {
        foreach (Browser browser in browsers)
        {
            foreach (int at in port is { } only ? [only] : new[] { _one, _two })
            {
                Assert.Equal(HttpStatusCode.OK, await browser.AskAsync(at));
            }
        }
    }

    /// <summary>A gateway whose Redis has just come back may not be connected again: it says 503 until it is.</summary>
    private static async Task AnsweredAsync(Browser browser, int port)
    {
        HttpStatusCode status = default;
        await Wait.UntilAsync(
            async () =>
            {
                status = await browser.AskAsync(port);
                return status != HttpStatusCode.ServiceUnavailable;
            },
            "The gateway has its connection to Redis again.");
        Assert.Equal(HttpStatusCode.OK, status);
    }

    /// <summary>The message of the other gateway ends the session here. Without it, the session would end once Redis is asked again.</summary>
    private static Task RefusedAsync(Browser browser, int port) => Wait.UntilAsync(
        async () => await browser.AskAsync(port) == HttpStatusCode.Unauthorized,
        "The gateway hears that the session has ended.",
        limit: SessionFreshness.ConfirmationTtl / 3);

    /// <summary>One browser, whose requests a load balancer sends to either gateway; several at once, as a page's scripts do.</summary>
    private sealed class Browser(World world, int one, int two) : IDisposable
    {
        private readonly Visitor _one = new(world, certificate: null, replica: one);
        private readonly Visitor _two = new(world, certificate: null, replica: two);
        private volatile bool _out;

        public ConcurrentBag<HttpStatusCode> Seen { get; } = [];

        public ConcurrentBag<HttpStatusCode> SeenWhenOut { get; } = [];

        public Visitor At(int port) => port == one ? _one : _two;

        public async Task<Page> SignInAsync(int port, string person)
        {
            Page page = await At(port).SignInAsync(person, "/documents/2");
            foreach (Cookie cookie in At(port).Cookies.GetAllCookies())
            {
                (port == one ? _two : _one).Cookies.Add(cookie);
            }

            return page;
        }

        public async Task<HttpStatusCode> AskAsync(int port) => (await At(port).FetchAsync("/api/documents/")).Status;

        /// <summary>Whatever is asked from now on must be refused.</summary>
        public void MustBeOut() => _out = true;

        public async Task LoadAsync(CancellationToken over)
        {
            while (!over.IsCancellationRequested)
            {
                await Task.WhenAll(AskAndNoteAsync(one), AskAndNoteAsync(two), AskAndNoteAsync(two));
                await Task.Delay(20, CancellationToken.None);
            }
        }

        public void Dispose()
        {
            _one.Dispose();
            _two.Dispose();
        }

        private async Task AskAndNoteAsync(int port)
        {
            bool isOut = _out;
            try
            {
                (isOut ? SeenWhenOut : Seen).Add(await AskAsync(port));
            }
            catch (HttpRequestException)
            {
                // The gateway that was killed.
            }
        }
    }
}
