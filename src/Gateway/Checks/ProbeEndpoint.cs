using System.Net.WebSockets;
using System.Text;
using Gateway.Forwarding;
using Gateway.Pages;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>
/// `/gateway/probe`: answers the number of this run, so that <see cref="PublicAddressCheck"/> sees what arrives here of requests to the public address:
/// a GET, a body, a WebSocket. It needs no session and tells nothing else.
/// </summary>
internal sealed class ProbeEndpoint(GatewayRun run, PageWriter pages, TimeProvider time) : IDisposable
{
    /// <summary>In bytes. The body is read and thrown away.</summary>
    public const long MaxBodyBytes = 2 * 1024 * 1024;

    /// <summary>At the same time: anybody may ask.</summary>
    private const int MaxProbes = 4;

    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _probes = new(MaxProbes, MaxProbes);

    public async Task AnswerAsync(HttpContext context)
    {
        if (!await _probes.WaitAsync(TimeSpan.Zero, context.RequestAborted))
        {
            await pages.RefuseAsync(context, new Refusal(429, "too_many_probes", "Too many requests", "Other checks of the public address are under way."));
            return;
        }

        try
        {
            using Deadline deadline = new(ProbeTimeout, time, context.RequestAborted);
            await (context.WebSockets.IsWebSocketRequest ? AnswerSocketAsync(context, deadline.Token) : AnswerRequestAsync(context, deadline.Token));
        }
        catch (Exception gone) when (gone is OperationCanceledException or WebSocketException)
        {
            context.Abort();
        }
        finally
        {
            _probes.Release();
        }
    }

    public void Dispose() => _probes.Dispose();

    private async Task AnswerRequestAsync(HttpContext context, CancellationToken cancel)
    {
        BodyLimits.Set(context, MaxBodyBytes);
        await context.Request.Body.CopyToAsync(Stream.Null, cancel);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(run.Text, cancel);
    }

    private async Task AnswerSocketAsync(HttpContext context, CancellationToken cancel)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        await socket.SendAsync(Encoding.UTF8.GetBytes(run.Text), WebSocketMessageType.Text, endOfMessage: true, cancel);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, cancel);
    }
}
