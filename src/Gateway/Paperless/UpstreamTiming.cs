using System.Diagnostics;

namespace Gateway.Paperless;

/// <summary>How long Paperless took to begin its answer; a feature of requests while the request log is on.</summary>
internal sealed class UpstreamTiming
{
    private long _sentAt;
    private long _answeredAt;

    public double? Milliseconds => _answeredAt == 0 ? null : Math.Round(Stopwatch.GetElapsedTime(_sentAt, _answeredAt).TotalMilliseconds, 1);

    public void Sent() => _sentAt = Stopwatch.GetTimestamp();

    public void Answered() => _answeredAt = Stopwatch.GetTimestamp();
}
