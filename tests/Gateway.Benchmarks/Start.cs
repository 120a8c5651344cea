using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>From the start of the process to the first forwarded answer, with a session that is in the store already.</summary>
internal static class Start
{
    /// <summary>How often the answer is asked for; each try is a connection of its own.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static readonly DebianProgram[] Needs = [DebianProgram.Nginx];

    public static async Task MeasureAsync(Workbench bench, int rounds)
    {
        (_, Uri upstream) = await Nginx.StartUpstreamAsync(bench);
        DevelopmentProvider provider = await Provider.StartAsync(bench);
        GatewayProgram program = new(bench, "start", upstream, provider);
        string cookie = (await StoredSessions.AddAsync(program, 1))[0];
        string published = await Publication.PublishAsync(bench, "published");
        string compiledAtRunTime = await Publication.PublishAsync(bench, "jit", "-p:PublishReadyToRun=false");
        (string Name, string? Program, Func<(Child, Uri)> Begin)[] starts =
        [
            ("gateway, compiled at run time (JIT)", compiledAtRunTime, () => (program.Start(compiledAtRunTime), program.Address)),
            ("gateway, as the image has it (ReadyToRun)", published, () => (program.Start(published), program.Address)),
            ("plain YARP", null, () => PlainYarp.Start(bench, upstream)),
        ];
        double[][] found = new double[rounds][];

        // The first round, in which the files come from the disk, does not count.
        for (int round = 0; round <= rounds; round++)
        {
            double[] milliseconds = new double[starts.Length];
            for (int index = 0; index < starts.Length; index++)
            {
                milliseconds[index] = await FirstAnswerAsync(starts[index].Begin, cookie, bench.Cancel);
            }

            await Console.Error
                .WriteLineAsync($"{(round == 0 ? "warm-up" : $"round {round} of {rounds}")}: {string.Join("  ", milliseconds.Select(one => $"{one:0} ms"))}");
            if (round > 0)
            {
                found[round - 1] = milliseconds;
            }
        }

        MarkdownTable table = new("", "ms to the first forwarded answer, median", "lowest to highest", "JIT = 1", "its own files in the image, MiB");
        for (int index = 0; index < starts.Length; index++)
        {
            double[] times = [.. found.Select(round => round[index])];
            table.Row(
                $"{starts[index].Name}",
                $"{Median.Of(times):0}",
                $"{times.Min():0} to {times.Max():0}",
                $"{Median.OfRatios(times, found.Select(round => round[0])):0.00}",
                starts[index].Program is { } own ? (FormattableString)$"{MiBOfFiles(own):0.0}" : $"");
        }

        PerformancePage.Write("start", $"{table}\n{rounds} rounds, one after another in each; {Machine.Sentence}");
    }

    /// <summary>All files beside an assembly.</summary>
    private static double MiBOfFiles(string assembly) =>
        new DirectoryInfo(Path.GetDirectoryName(assembly)!).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) / (1024.0 * 1024);

    private static async Task<double> FirstAnswerAsync(Func<(Child, Uri)> begin, string cookie, CancellationToken cancel)
    {
        (Child server, Uri address) = begin();
        using (server)
        {
            byte[] request = Encoding.ASCII
                .GetBytes($"GET /api/documents/ HTTP/1.1\r\nHost: {address.Authority}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
            while (!server.HasEnded && Stopwatch.GetElapsedTime(server.StartedAt) < Patience)
            {
                string? answer = await AskAsync(address, request, cancel);
                if (answer is not null)
                {
                    double milliseconds = Stopwatch.GetElapsedTime(server.StartedAt).TotalMilliseconds;
                    return answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && answer.EndsWith(new string('x', 1024), StringComparison.Ordinal)
                        ? milliseconds
                        : throw new InvalidOperationException($"{address} answers: {answer}");
                }

                await Task.Delay(Every, cancel);
            }
        }

        throw new TimeoutException($"Nothing answers at {address}.");
    }

    /// <returns>Null where nobody listens yet.</returns>
    private static async Task<string?> AskAsync(Uri address, byte[] request, CancellationToken cancel)
    {
        using TcpClient client = new(AddressFamily.InterNetwork);
        try
        {
            await client.ConnectAsync(System.Net.IPAddress.Loopback, address.Port, cancel);
        }
        catch (SocketException)
        {
            return null;
        }

        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(request, cancel);
        using StreamReader reader = new(stream, Encoding.Latin1);
        return (await reader.ReadToEndAsync(cancel)).TrimEnd();
    }
}
