using System.Globalization;
using Gateway.Operations;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>Fuzzed requests to the gateway's own endpoints, with and without a session, get an answer and one log line with the reason.</summary>
[Trait("Category", "Attacks")]
public sealed class FuzzTests
{
    private const int Total = 5000;
    private const int ForManagement = 400;
    private const int SignInsForEachEndpoint = 6;
    private const int MostShown = 10;
    private const int LongestShown = 3000;

    private static readonly string[] TitlesOfOthers = ["The sign-in was not accepted", "The provider refused", "Paperless does not answer"];

    /// <summary>`FUZZ_SEED` tries others.</summary>
    private static readonly int Seed =
        int.TryParse(Environment.GetEnvironmentVariable("FUZZ_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : 20261127;

    [Fact]
    public async Task Fuzzed_requests_to_the_gateways_endpoints_never_cause_an_internal_error_or_a_missing_answer()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        IReadOnlyList<GatewayEndpoint> endpoints = await GatewayEndpoint.AllAsync(world);
        Assert.True(endpoints.Count > 10, "the endpoints were not found");
        List<string> faults = [];
        int sent = 0;
        for (int at = 0; at < endpoints.Count; at++)
        {
            int last = (Total - ForManagement) * (at + 1) / endpoints.Count;
            sent += await FuzzAsync(world, endpoints[at], sent, last - sent, faults);
        }

        sent += await FuzzManagementAsync(world, sent, faults);
        faults.AddRange(await LogProblems.OfAsync(world));

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{sent} requests to {endpoints.Count} endpoints and the management server, seed {Seed}, {faults.Count} faults");
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', Statuses(world)));
        Assert.Equal(Total, sent);
        IEnumerable<string> shown = faults.Take(MostShown).Select(fault => fault[..Math.Min(fault.Length, LongestShown)]);
        Assert.True(faults.Count == 0, $"{faults.Count} faults with seed {Seed}:\n{string.Join("\n\n", shown)}");
    }

    /// <summary>Half of the requests come from a browser that is signed in, the others from one that has a sign-in under way.</summary>
    private static async Task<int> FuzzAsync(World world, GatewayEndpoint endpoint, int first, int count, List<string> faults)
    {
        string? session = null;
        int signIns = 0;
        using Visitor underWay = world.NewVisitor();
        RoundTrip trip = await RoundTrip.BeginAsync(underWay);
        string callback = await trip.AnswerAsync();
        string[] states = [.. callback.Split('?')[1].Split('&').Select(pair => pair.Split('=')[1])];
        string correlation = underWay.Cookies.GetCookieHeader(new Uri(world.Origin));
        for (int number = first; number < first + count; number++)
        {
            Random random = new(unchecked((Seed * 31) + number));
            bool signedIn = random.Next(2) == 0;
            if (signedIn && session is null && signIns++ < SignInsForEachEndpoint)
            {
                using Visitor alice = await world.SignedInAsync("alice");
                session = alice.Cookies.GetCookieHeader(new Uri(world.Origin));
            }

            FuzzedRequest request = FuzzedRequest.Create(random, endpoint.Pattern, endpoint.Methods, world.Origin, signedIn ? session : correlation, states);
            ExchangedAnswer answer = await SendAsync(world.Port, request, $"request {number} to {endpoint.Pattern}", faults);
            if (signedIn && answer.SetsCookie(SignedIn.CookieName + "="))
            {
                session = null;
            }
        }

        return count;
    }

    private static async Task<int> FuzzManagementAsync(World world, int first, List<string> faults)
    {
        Uri management = world.Gateway.Management;
        for (int number = first; number < first + ForManagement; number++)
        {
            Random random = new(unchecked((Seed * 31) + number));
            string path = random.Next(2) == 0 ? ManagementServer.LivePath : ManagementServer.ReadyPath;
            FuzzedRequest request = FuzzedRequest.Create(random, path, ["GET", "HEAD"], management.GetLeftPart(UriPartial.Authority), own: null, states: []);
            await SendAsync(management.Port, request, $"request {number} to the management server's {path}", faults);
        }

        return ForManagement;
    }

    private static async Task<ExchangedAnswer> SendAsync(int port, FuzzedRequest request, string name, List<string> faults)
    {
        ExchangedAnswer answer;
        try
        {
            answer = await RawExchange.SendAsync(port, request.Bytes, request.IsWhole, request.Method == "HEAD");
        }
        catch (OperationCanceledException) when (!World.Ct.IsCancellationRequested)
        {
            faults.Add($"{name} was not answered in time:\n{request}");
            return new ExchangedAnswer(0, "", "", IsWhole: false);
        }

        if (answer.Status >= 500 && !IsOfAnother(answer))
        {
            faults.Add($"{name} was answered {answer.Status}:\n{request}\n→ {answer.Head}{answer.Body}");
        }
        else if (request.IsWhole && !answer.IsWhole)
        {
            faults.Add($"{name} was not answered whole (status {answer.Status}):\n{request}\n→ {answer.Head}{answer.Body}");
        }

        return answer;
    }

    /// <summary>
    /// 501 and 505 are Kestrel's, to a transfer coding and to a version that it does not have. 502 at the callback speaks of the provider, and
    /// elsewhere of the stand-in Paperless: a few requests are forwarded.
    /// </summary>
    private static bool IsOfAnother(ExchangedAnswer answer) =>
        answer.Status is 501 or 505
        || (answer.Status == 502 && TitlesOfOthers.Any(title => answer.Body.Contains(title, StringComparison.Ordinal)));

    /// <summary>How far the requests came: what only Kestrel refuses tests nothing of the gateway's.</summary>
    private static IEnumerable<string> Statuses(World world) => world.Log.Of("Request")
        .GroupBy(line => CapturedLog.Value(line, "Status"))
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => $"{group.Key}: {group.Count()}");
}
