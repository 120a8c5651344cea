using System.Diagnostics;

namespace Gateway.Paperless;

/// <summary>Measures the time until Paperless begins its response; a request feature while the request log is on.</summary>
internal sealed class UpstreamTiming
{
    private long _sentAt;
    private long _answeredAt;

    public double? Milliseconds => _answeredAt == 0 ? null : Math.Round(Stopwatch.GetElapsedTime(_sentAt, _answeredAt).TotalMilliseconds, 1);

    public void MarkSent() => _sentAt = Stopwatch.GetTimestamp();

    public void MarkAnswered() => _answeredAt = Stopwatch.GetTimestamp();
}
