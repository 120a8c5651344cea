using System.Diagnostics;

namespace Gateway.Tracing;

/// <summary>The id of a request on pages, in problem details, in log lines and in traces: 32 hexadecimal digits.</summary>
internal static class TraceIdentity
{
    private const int Length = 32;

    /// <summary>The id of the trace (see <see cref="RequestTracing"/>); without a trace a random one, made when it is first needed.</summary>
    public static string TraceId(this HttpContext context)
    {
        // Work beside the request may log at the same time, and must not make a second id.
        lock (context)
        {
            string id = context.TraceIdentifier;
            if (id.Length != Length)
            {
                // Kestrel's own id: of the connection, and shorter.
                context.TraceIdentifier = id = ActivityTraceId.CreateRandom().ToHexString();
            }

            return id;
        }
    }
}
