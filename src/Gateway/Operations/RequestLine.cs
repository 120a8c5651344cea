using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace Gateway.Operations;

/// <summary>
/// The line of the request log. It is written with Serilog directly, because every request has a line and the framework's logging costs twice as
/// much.
/// </summary>
internal sealed class RequestLine(Serilog.ILogger log)
{
    public const int Id = 7001;

    public const string Name = "Request";

    public const string Message = "{Method} {Path} {Status} in {Ms} ms, user {User}, upstream {UpstreamMs} ms, trace id {TraceId}";

    private static readonly MessageTemplate Template = new MessageTemplateParser().Parse(Message);

    private static readonly LogEventProperty EventId = new(
        "EventId",
        new StructureValue([new LogEventProperty("Id", new ScalarValue(Id)), new LogEventProperty("Name", new ScalarValue(Name))]));

    private static readonly ScalarValue Nothing = new(null);

    private static readonly LogEventProperty[] Statuses = [.. Enumerable.Range(0, 600).Select(Status)];

    private readonly Serilog.ILogger _log = log.ForContext(Constants.SourceContextPropertyName, typeof(AccessLog).FullName);

    public bool IsOn => _log.IsEnabled(LogEventLevel.Information);

    /// <param name="ms">Milliseconds from the beginning of the request to the end of the answer.</param>
    /// <param name="upstreamMs">Milliseconds until Paperless began its answer; null if the request was not forwarded.</param>
    public void Write(string method, string path, int status, double ms, string? user, double? upstreamMs, string traceId) => _log.Write(new LogEvent(
        DateTimeOffset.Now,
        LogEventLevel.Information,
        exception: null,
        Template,
        [
            EventId,
            new LogEventProperty("Method", new ScalarValue(method)),
            new LogEventProperty("Path", new ScalarValue(path)),
            status is >= 0 and < 600 ? Statuses[status] : Status(status),
            new LogEventProperty("Ms", new ScalarValue(ms)),
            new LogEventProperty("User", user is null ? Nothing : new ScalarValue(user)),
            new LogEventProperty("UpstreamMs", upstreamMs is { } upstream ? new ScalarValue(upstream) : Nothing),
            new LogEventProperty("TraceId", new ScalarValue(traceId)),
        ]));

    private static LogEventProperty Status(int status) => new("Status", new ScalarValue(status));
}
