using System.Collections.Concurrent;
using System.Globalization;
using Serilog.Core;
using Serilog.Events;

namespace Gateway.Tests.Kit;

/// <summary>Everything that the gateway logged.</summary>
internal sealed class CapturedLog : ILogEventSink
{
    private readonly ConcurrentQueue<LogEvent> _events = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<LogEvent> Events => [.. _events];

    /// <summary>All log lines with their exceptions, to check that a text is in none of them.</summary>
    public string Text => string.Join(
        '\n',
        _events.Select(entry => $"{entry.RenderMessage(CultureInfo.InvariantCulture)} {entry.Exception} {string.Join(' ', entry.Properties.Values)}"));

    public IReadOnlyList<LogEvent> Of(string eventName) => [.. _events.Where(entry => NameOf(entry) == eventName)];

    public void Emit(LogEvent logEvent)
    {
        _events.Enqueue(logEvent);
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    /// <summary>Waits for a matching log line and returns the first one.</summary>
    /// <exception cref="TimeoutException">No matching line came within a minute.</exception>
    public async Task<LogEvent> WaitForAsync(string eventName, Predicate<LogEvent>? which = null)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Wait.Limit);
        while (true)
        {
            Task changed = Volatile.Read(ref _changed).Task;
            if (Of(eventName).FirstOrDefault(entry => which?.Invoke(entry) != false) is { } found)
            {
                return found;
            }

            try
            {
                await changed.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                throw new TimeoutException($"The log did not get the expected line {eventName}:\n{Text}");
            }
        }
    }

    public static string Value(LogEvent entry, string property)
    {
        if (!entry.Properties.TryGetValue(property, out LogEventPropertyValue? value))
        {
            return "";
        }

        return value is ScalarValue scalar ? scalar.Value?.ToString() ?? "" : value.ToString();
    }

    public static string? NameOf(LogEvent entry) =>
        entry.Properties.TryGetValue("EventId", out LogEventPropertyValue? id) && id is StructureValue structure
            ? (structure.Properties.FirstOrDefault(property => property.Name == "Name")?.Value as ScalarValue)?.Value as string
            : null;
}
