using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace Gateway.Benchmarks;

/// <summary>Two gateways behind HAProxy are restarted in turn under load: how many requests that costs.</summary>
internal static class Rolling
{
    public static readonly DebianProgram[] Needs = [DebianProgram.HAProxy, DebianProgram.Redis];

    private const int Browsers = 8;

    /// <summary>Each browser leaves the processors some time: gateways start meanwhile.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Longer than HAProxy needs to take a gateway back.</summary>
    private static readonly TimeSpan BetweenRestarts = TimeSpan.FromSeconds(2);

    public static async Task MeasureAsync(Workbench bench, int rounds)
    {
        string with = await RunAsync(bench, rounds, "3s");
        string without = await RunAsync(bench, rounds, "off");
        PerformancePage.Write("rolling", $"""
            Two gateways as processes on one `redis-server`, behind HAProxy, which asks `/health/serving` every 200 ms and waits for two failures, without
            retries. {Browsers} browsers with a session ask for `/api/documents/` without an end, each on a connection of its own. Meanwhile each gateway
            is restarted {rounds} times with SIGTERM, one after the other. Everything shares {Environment.ProcessorCount} cores, .NET {Environment.Version}.
            Lost is every request without the answer 200.

            | `GATEWAY_DRAIN` | restarts | requests | lost |
            |---|---|---|---|
            {with}
            {without}

            ```sh
            dotnet run --configuration Release --project tests/Gateway.Benchmarks -- rolling
            ```
            """);
    }

    /// <returns>A row of the table.</returns>
    private static async Task<string> RunAsync(Workbench bench, int rounds, string drain)
    {
        await using ReplicaSite site = await ReplicaSite.StartAsync(gateways: 2, redis: true, drain);
        string cookies = await SignInAsync(site);
        using Child balancer = new(DebianProgram.HAProxy.Path, ["-db", "-f", bench.File($"haproxy-{drain}.cfg", Configuration(site))]);
        await balancer.WaitForAsync(new Uri(site.Origin), bench.Cancel);
        await Task.Delay(BetweenRestarts, bench.Cancel);

        Tally tally = new();
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(bench.Cancel);
        Task[] browsers = [.. Enumerable.Range(0, Browsers).Select(_ => BrowseAsync(site, cookies, tally, over.Token))];
        try
        {
            for (int restart = 0; restart < rounds * site.Gateways; restart++)
            {
                await site.RestartGatewayAsync(restart % site.Gateways);
                await Task.Delay(BetweenRestarts, bench.Cancel);
            }
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(browsers);
        }

        foreach ((string what, int count) in tally.Lost)
        {
            await Console.Error.WriteLineAsync($"drain {drain}: {what}: {count}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"| `{drain}` | {rounds * site.Gateways} | {tally.Requests} | {tally.Lost.Values.Sum()} |");
    }

    /// <returns>The cookies of the gateway and of Paperless.</returns>
    private static async Task<string> SignInAsync(ReplicaSite site)
    {
        CookieContainer cookies = new();
        using HttpClient browser = site.Browser(gateway: 0, cookies);
        browser.DefaultRequestHeaders.Add("Accept", "text/html");
        using HttpResponseMessage page = await browser.GetAsync("/accounts/oidc/authentik/login/?next=%2F");
        page.EnsureSuccessStatusCode();
        return cookies.GetCookieHeader(new Uri(site.Origin));
    }

    private static async Task BrowseAsync(ReplicaSite site, string cookies, Tally tally, CancellationToken over)
    {
        using HttpClient browser = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(site.Origin),
            Timeout = TimeSpan.FromSeconds(10),
        };
        while (!over.IsCancellationRequested)
        {
            try
            {
                using HttpResponseMessage answer = await KillLoad.SendAsync(browser, "/api/documents/", cookies);
                tally.Add(answer.StatusCode == HttpStatusCode.OK ? null : $"status {(int)answer.StatusCode}");
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
            {
                tally.Add(error.GetType().Name);
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private static string Configuration(ReplicaSite site) => $"""
        defaults
            mode http
            timeout connect 2s
            timeout client 30s
            timeout server 30s
            timeout check 2s
            retries 0

        listen site
            bind 127.0.0.1:{site.PublicPort}
            no option redispatch
            option httpchk GET /health/serving
            http-check expect status 200
        {string.Join('\n', site.Servers().Select((one, number) =>
            $"    server gateway{number} 127.0.0.1:{one.Port} check port {one.ManagementPort} inter 200ms fall 2 rise 2"))}

        """;

    private sealed class Tally
    {
        private int _requests;

        public int Requests => _requests;

        /// <summary>By what came in place of an answer.</summary>
        public ConcurrentDictionary<string, int> Lost { get; } = new();

        public void Add(string? lost)
        {
            Interlocked.Increment(ref _requests);
            if (lost is not null)
            {
                Lost.AddOrUpdate(lost, 1, (_, count) => count + 1);
            }
        }
    }
}
