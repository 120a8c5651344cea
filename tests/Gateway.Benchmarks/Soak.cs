using System.Diagnostics;
using System.Globalization;
using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>
/// Mixed load for a long time: sessions come and go, rechecks, WebSockets, uploads, logouts, and a Redis that goes away twice. Whether memory, handles
/// and threads grow, and whether every answer was right.
/// </summary>
internal static class Soak
{
    private const int People = 24;
    private const int Samples = 360;

    public static readonly DebianProgram[] Needs = [DebianProgram.Redis];

    private static readonly TimeSpan LongestAbsence = TimeSpan.FromSeconds(30);

    /// <summary>From when on nothing should grow any more.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(10);

    public static async Task MeasureAsync(Workbench bench, int minutes)
    {
        string published = await Publication.PublishAsync(bench, "published");
        DurableRedis redis = new(bench);
        await redis.StartAsync();
        string[] names = [.. Enumerable.Range(1, People).Select(number => string.Create(CultureInfo.InvariantCulture, $"person-{number}"))];
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new StandInPaperlessOptions(), bench.Cancel);
        foreach (string name in names)
        {
            StandInUser user = paperless.Data.AddPerson(name, "view_document", "add_document");
            paperless.Data.AddDocument(SoakVisit.LetterPrefix + name, user.Id);
        }

        await using DevelopmentProvider provider = await DevelopmentProvider.StartAsync(
            new DevelopmentProviderOptions { OfflineAccess = true, People = [.. names.Select(name => Person.Named(name, name, "paperless-users"))] },
            bench.Cancel);
        GatewayProgram program = new(bench, "soak", paperless.Address, provider, RequestLog: true, RedisUrl: redis.Url)
        {
            Token = paperless.Data.AdminToken,
            Further = new Dictionary<string, string> { ["GATEWAY_SESSION_RECHECK"] = "20s", ["GATEWAY_SESSION_IDLE"] = "3m" },
        };
        Child gateway = program.Start(published);
        await gateway.WaitForAsync(program.LiveAddress, bench.Cancel);

        SoakTally tally = new();
        SoakSamples samples = new(gateway, paperless, provider);
        TimeSpan whole = TimeSpan.FromMinutes(minutes);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(bench.Cancel);
        Task[] visits = [.. names.Select((name, number) => VisitAsync(program.Address, provider.Address, name, number, tally, over.Token))];
        long begin = Stopwatch.GetTimestamp();
        Task absences = LeaveTwiceAsync(redis, tally, whole, bench.Cancel);
        while (Stopwatch.GetElapsedTime(begin) < whole)
        {
            await Task.Delay(whole / Samples, bench.Cancel);
            samples.Take(Stopwatch.GetElapsedTime(begin), tally);
        }

        await absences;
        await over.CancelAsync();
        await Task.WhenAll(visits);
        if (samples.Rechecks == 0)
        {
            throw new InvalidOperationException("Nobody was rechecked: this is not the load that it is said to be.");
        }

        PerformancePage.Write("soak", Report(samples, tally, minutes));
        if (tally.Wrong > 0)
        {
            throw new InvalidOperationException($"{tally.Wrong} wrong answers:\n{string.Join('\n', tally.WrongAnswers)}");
        }
    }

    /// <summary>At a third and at two thirds of the time.</summary>
    private static async Task LeaveTwiceAsync(DurableRedis redis, SoakTally tally, TimeSpan whole, CancellationToken cancel)
    {
        TimeSpan absence = Absence(whole);
        for (int time = 0; time < 2; time++)
        {
            await Task.Delay((whole / 3) - (2 * absence * time), cancel);
            tally.IsRedisAway = true;
            redis.Stop();
            await Task.Delay(absence, cancel);
            await redis.StartAsync();

            // The gateway connects again by itself, with a delay that grows.
            await Task.Delay(absence, cancel);
            tally.IsRedisAway = false;
        }
    }

    private static TimeSpan Absence(TimeSpan whole) => whole / 20 < LongestAbsence ? whole / 20 : LongestAbsence;

    private static async Task VisitAsync(Uri gateway, Uri provider, string person, int number, SoakTally tally, CancellationToken over)
    {
        Random random = new(number);
        while (!over.IsCancellationRequested)
        {
            using SoakVisit visit = new(gateway, person, tally);
            try
            {
                await Task.Delay(random.Next(500, 1500), over);
                if (!await visit.SignInAsync(provider))
                {
                    continue;
                }

                for (int left = random.Next(20, 400); left > 0; left--)
                {
                    await Task.Delay(random.Next(50, 250), over);
                    await DoAsync(visit, random.Next(300));
                }

                // Two of three log out; the others close the browser, and their sessions expire.
                if (random.Next(3) > 0)
                {
                    await visit.SignOutAsync();
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static Task DoAsync(SoakVisit visit, int lot) => lot switch
    {
        0 => visit.UploadAsync(),
        < 20 => visit.SendMessageAsync(),
        < 50 => visit.OpenPageAsync(),
        < 120 => visit.AskDocumentsAsync(),
        _ => visit.AskWhoAsync(),
    };

    private static string Report(SoakSamples samples, SoakTally tally, int minutes)
    {
        TimeSpan whole = TimeSpan.FromMinutes(minutes);
        TimeSpan settled = whole / 6 < Settled ? whole / 6 : Settled;
        string after = settled == Settled ? "10 minutes" : string.Create(CultureInfo.InvariantCulture, $"{settled.TotalSeconds:0} s");
        string absence = string.Create(CultureInfo.InvariantCulture, $"{Absence(whole).TotalSeconds:0} s");
        return string.Create(CultureInfo.InvariantCulture, $"""
            {samples.Table(settled, whole, after)}
            {minutes} minutes, {People} people at once: {tally.Requests:N0} requests, {tally.SignIns:N0} sign-ins, {tally.SignOuts:N0} logouts,
            {samples.Rechecks:N0} rechecks, {tally.Uploads:N0} uploads of 1 MiB, {tally.Messages:N0} messages through WebSockets and back. Redis was away twice
            for {absence}: {tally.Refused:N0} requests were refused then. **Wrong answers: {tally.Wrong:N0}.** Each figure of the first two columns is the
            median of a twelfth of the time. {Machine.Sentence}
            """);
    }
}
