using System.Globalization;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Attacks;

/// <summary>Finds log lines that must not exist after any request.</summary>
internal static class LogProblems
{
    /// <summary>Each refusal must have one log line, no other request any, and no line an exception.</summary>
    public static async Task<IReadOnlyList<string>> OfAsync(World world)
    {
        const string last = "/gateway/the-last-one";
        using Visitor visitor = world.NewVisitor();
        await visitor.FetchAsync(last);
        await world.Log.WaitForAsync("Request", entry => CapturedLog.Value(entry, "Path") == last);
        List<string> faults = [.. world.Log.Events
            .Where(entry => entry.Exception is not null || entry.Level >= LogEventLevel.Error)
            .Select(entry => $"logged: {entry.RenderMessage(CultureInfo.InvariantCulture)} {entry.Exception}")];
        ILookup<string, LogEvent> refusals = world.Log.Of("Refused").Concat(world.Log.Of("LogoutTokenRefused"))
            .ToLookup(entry => CapturedLog.Value(entry, "TraceId"));
        foreach (LogEvent line in world.Log.Of("Request").Where(line => CapturedLog.Value(line, "UpstreamMs").Length == 0))
        {
            int status = int.Parse(CapturedLog.Value(line, "Status"), CultureInfo.InvariantCulture);
            int logged = refusals[CapturedLog.Value(line, "TraceId")].Count();
            if (!IsExpected(status, logged))
            {
                faults.Add($"{logged} lines for: {line.RenderMessage(CultureInfo.InvariantCulture)}");
            }
        }

        return faults;
    }

    private static bool IsExpected(int status, int logged) => status switch
    {
        // Who leaves may do so before or after the refusal.
        StatusCodes.Status499ClientClosedRequest => logged <= 1,

        // After too many failed credentials there is one line for all refusals.
        StatusCodes.Status429TooManyRequests => logged == 0,
        _ => logged == (status >= 400 ? 1 : 0),
    };
}
