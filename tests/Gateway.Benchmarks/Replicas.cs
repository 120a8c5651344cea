using System.Diagnostics;
using System.Globalization;
using System.Net;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>Two gateways on one Redis: how soon an end at one holds at the other, how many sign in, and what a kill -9 loses.</summary>
internal static class Replicas
{
    private const int Revocations = 100;
    private const int SignIns = 600;
    private const int BrowsersAtOnce = 8;

    public static async Task<int> RunAsync()
    {
        string revocation;
        string signIns;
        List<string> kills = [];
        await using (ReplicaSite site = await ReplicaSite.StartAsync(gateways: 2, redis: true))
        {
            revocation = await RevokeAsync(site);
            signIns = await SignInAsync(site);
        }

        kills.Add(await KillAsync(gateways: 2, redis: true, "two gateways on Redis, one of them killed", site => KillGatewayAsync(site, 1)));
        kills.Add(await KillAsync(gateways: 2, redis: true, "two gateways on Redis, `redis-server` killed (`appendfsync always`)", async site =>
        {
            site.KillRedis();
            await Task.Delay(TimeSpan.FromSeconds(1));
            await site.StartRedisAsync();
        }));
        kills.Add(await KillAsync(gateways: 1, redis: false, "one gateway on SQLite, killed", site => KillGatewayAsync(site, 0)));
        PerformancePage.Write("replicas", $"""
            Two gateways as processes on one `redis-server` (`appendfsync always`), the development provider and the stand-in Paperless in a third
            process; all of them share {Environment.ProcessorCount} cores, .NET {Environment.Version}.

            {revocation}

            {signIns}

            Six browsers sign in and out at all gateways without a pause. In the middle, a process is killed with `kill -9` and started again a
            second later. Afterwards every gateway must know every session whose sign-in was acknowledged, and none whose sign-out was:

            | | sign-ins acknowledged | sign-outs of them acknowledged | requests that failed meanwhile | sign-ins lost | sign-outs undone |
            |---|---|---|---|---|---|
            {string.Join('\n', kills)}

            ```sh
            dotnet run --configuration Release --project tests/Gateway.Benchmarks -- replicas
            ```
            """);
        return 0;
    }

    private static async Task<string> KillAsync(int gateways, bool redis, string what, Func<ReplicaSite, Task> kill)
    {
        await using ReplicaSite site = await ReplicaSite.StartAsync(gateways, redis);
        string row = await new KillLoad(site).RunAsync(what, () => kill(site));
        Console.Error.WriteLine(row);
        return row;
    }

    private static async Task KillGatewayAsync(ReplicaSite site, int number)
    {
        site.KillGateway(number);
        await Task.Delay(TimeSpan.FromSeconds(1));
        await site.StartGatewayAsync(number);
    }

    private static async Task<string> RevokeAsync(ReplicaSite site)
    {
        Uri backChannel = new(site.Origin + "/accounts/oidc/authentik/logout/backchannel/");
        using HttpClient other = site.Browser(gateway: 1, cookies: null);
        List<double> times = [];
        for (int round = 0; round < Revocations; round++)
        {
            HashSet<string> before = [.. site.Provider.Sessions.Select(session => session.Key)];
            string cookie = await site.SignInAsync(0) ?? throw new InvalidOperationException("Nobody can sign in.");
            ProviderSession session = site.Provider.Sessions.Single(one => !before.Contains(one.Key));
            await ExpectAsync(other, cookie, HttpStatusCode.OK);

            long began = Stopwatch.GetTimestamp();
            Task<HttpResponseMessage> told = site.Provider.SendBackchannelLogoutAsync(backChannel, session);
            while (await StatusAsync(other, cookie) == HttpStatusCode.OK)
            {
                if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(60))
                {
                    throw new TimeoutException("The end did not come to the other gateway.");
                }
            }

            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            using HttpResponseMessage answer = await told;
            answer.EnsureSuccessStatusCode();
            await ExpectAsync(other, cookie, HttpStatusCode.Unauthorized);
        }

        times.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"From a back-channel logout token sent to one gateway to the first refusal at the other "
            + $"gateway, over HTTP: median {times[times.Count / 2]:0.0} ms, worst of {Revocations} {times[^1]:0.0} ms.");
    }

    private static async Task<string> SignInAsync(ReplicaSite site)
    {
        int begun = 0;
        int done = 0;
        long began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, BrowsersAtOnce).Select(async _ =>
        {
            while (Interlocked.Increment(ref begun) is int number && number <= SignIns)
            {
                if (await site.SignInAsync(number % site.Gateways) is not null)
                {
                    Interlocked.Increment(ref done);
                }
            }
        }));
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Whole sign-ins, {BrowsersAtOnce} browsers at once, spread over both: {done / seconds:0} a second ({done} of {SignIns} in {seconds:0.0} s).");
    }

    private static async Task ExpectAsync(HttpClient client, string cookie, HttpStatusCode wanted)
    {
        if (await StatusAsync(client, cookie) is var status && status != wanted)
        {
            throw new InvalidOperationException($"{(int)status} in place of {(int)wanted}.");
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string cookie)
    {
        using HttpResponseMessage answer = await KillLoad.SendAsync(client, "/gateway/session", cookie);
        return answer.StatusCode;
    }
}
