using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>Memory, handles and threads of a gateway, again and again.</summary>
internal sealed class SoakSamples(Child gateway, StandInPaperless paperless, DevelopmentProvider provider)
{
    private readonly List<Sample> _samples = [];

    /// <summary>Tokens that the gateway refreshed to learn whether somebody still has access.</summary>
    public int Rechecks { get; private set; }

    /// <exception cref="InvalidOperationException">The gateway has ended.</exception>
    public void Take(TimeSpan at, SoakTally tally)
    {
        if (gateway.HasEnded)
        {
            throw new InvalidOperationException($"The gateway ended after {at}.");
        }

        _samples.Add(new Sample(at, gateway.MemoryMiB, gateway.Handles, gateway.Threads));
        Rechecks += provider.Received.Count(request => request.Form.GetValueOrDefault("grant_type") == "refresh_token");

        // What the stand-ins write down would fill this process's memory.
        provider.ClearReceived();
        paperless.ForgetReceived();
        if (_samples.Count % 6 == 0)
        {
            Console.Error.WriteLine($"{at:hh\\:mm\\:ss}  {_samples[^1].MiB:0} MiB  {_samples[^1].Handles} handles  {_samples[^1].Threads} threads  "
                + $"{tally.Requests} requests  {tally.Wrong} wrong");
        }
    }

    public MarkdownTable Table(TimeSpan settled, TimeSpan whole, string after)
    {
        Sample[] early = [.. _samples.Where(sample => sample.At >= settled && sample.At <= settled + (whole / 12))];
        Sample[] late = [.. _samples.Where(sample => sample.At >= whole * 11 / 12)];
        Sample[] all = [.. _samples.Where(sample => sample.At >= settled)];
        MarkdownTable table = new("", $"after {after}", "at the end", "end / then", "highest since then");
        (string Name, Func<Sample, double> Of)[] figures =
            [("resident memory, MiB", sample => sample.MiB), ("handles", sample => sample.Handles), ("threads", sample => sample.Threads)];
        foreach ((string name, Func<Sample, double> of) in figures)
        {
            double then = Median.Of(early.Select(of));
            double end = Median.Of(late.Select(of));
            table.Row($"{name}", $"{then:0}", $"{end:0}", $"{end / then:0.00}", $"{all.Max(of):0}");
        }

        return table;
    }

    private sealed record Sample(TimeSpan At, double MiB, int Handles, int Threads);
}
