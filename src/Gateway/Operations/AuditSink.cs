using Serilog.Core;
using Serilog.Events;

namespace Gateway.Operations;

/// <summary>Writes the records of the audit stream. Only their events wait to be written, so that no other log line takes their room.</summary>
internal sealed class AuditSink : ILogEventSink, IDisposable
{
    private readonly ConsoleLines _lines;

    /// <param name="reportDropped">Called with the number of records for which there was no room.</param>
    /// <param name="stallTimeout">As in <see cref="ConsoleLines"/>.</param>
    public AuditSink(Stream output, Action<int> reportDropped, TimeSpan? stallTimeout = null) =>
        _lines = new ConsoleLines(new AuditLines(), output, stallTimeout, reportDropped);

    public void Emit(LogEvent logEvent)
    {
        if (AuditEvents.Find(logEvent) is not null)
        {
            _lines.Emit(logEvent);
        }
    }

    public void Dispose() => _lines.Dispose();
}
