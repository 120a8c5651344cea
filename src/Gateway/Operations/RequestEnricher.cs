using System.Net;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Tracing;
using Serilog.Core;
using Serilog.Events;

namespace Gateway.Operations;

/// <summary>
/// Adds to each line that is written in a request: who asked for what. A property of the message itself stays as it is, such as the session that a
/// sign-in begins.
/// </summary>
internal sealed class RequestEnricher : ILogEventEnricher
{
    public const string Client = "Client";
    public const string Method = "Method";
    public const string Path = "Path";
    public const string Agent = "Agent";
    public const string Session = "Session";
    public const string TraceId = "TraceId";
    public const string RequestId = "RequestId";

    /// <summary>In the order in which a line of text has them.</summary>
    public static readonly string[] All = [Client, Method, Path, Agent, Session, TraceId, RequestId];

    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        // ASP.NET Core's: the path may contain the secret of a share link, and the connection says nothing.
        logEvent.RemovePropertyIfPresent("RequestPath");
        logEvent.RemovePropertyIfPresent("ConnectionId");
        if (LoggedRequest.Current is { } request)
        {
            request.Read((logEvent, request), static (context, line) => AddRequest(context, line.request, line.logEvent));
        }
    }

    /// <summary>The line of each request has some of the properties itself; those are not made twice.</summary>
    private static void AddRequest(HttpContext context, LoggedRequest request, LogEvent logEvent)
    {
        if (Lacks(logEvent, Client) && context.Connection.RemoteIpAddress is { } address)
        {
            Add(logEvent, Client, TextOf(address));
        }

        if (Lacks(logEvent, Method))
        {
            Add(logEvent, Method, context.Request.Method);
        }

        if (Lacks(logEvent, Path))
        {
            Add(logEvent, Path, context.Request.PathForLogs());
        }

        if (Lacks(logEvent, Agent))
        {
            Add(logEvent, Agent, DeviceName.Family(request.UserAgent));
        }

        if (Lacks(logEvent, Session) && SessionOf(context) is { } session)
        {
            Add(logEvent, Session, session.ToString());
        }

        if (Lacks(logEvent, TraceId))
        {
            Add(logEvent, TraceId, context.TraceId());
        }

        if (request.RequestId is { } id && Lacks(logEvent, RequestId))
        {
            Add(logEvent, RequestId, id);
        }
    }

    private static bool Lacks(LogEvent logEvent, string name) => !logEvent.Properties.ContainsKey(name);

    private static void Add(LogEvent logEvent, string name, string value) =>
        logEvent.AddOrUpdateProperty(new LogEventProperty(name, new ScalarValue(value)));

    private static SessionKey? SessionOf(HttpContext context) =>
        (context.Session() ?? context.Features.Get<DeviceRequest>()?.Session)?.Key ?? context.PasswordSession()?.Key;

    /// <summary>The whole address, without the zone of a link-local one: firewalls take it.</summary>
    private static string TextOf(IPAddress address) =>
        RequestOrigin.Format(address.IsIPv6LinkLocal ? new IPAddress(address.GetAddressBytes()) : address);
}
