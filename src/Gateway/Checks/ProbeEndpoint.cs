using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using Gateway.Forwarding;
using Gateway.Pages;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>
/// `/gateway/probe`: answers the number of this run, so that <see cref="PublicAddressCheck"/> sees what arrives here of requests to the public address:
/// a GET, a body, a WebSocket, an answer in parts. It needs no session and tells nothing else.
/// </summary>
/// <remarks>With `?hold=ID` the answer does not end before a request with `?release=ID` comes, or the timeout.</remarks>
internal sealed class ProbeEndpoint(GatewayRun run, PageWriter pages, TimeProvider time) : IDisposable
{
    /// <summary>In bytes. The body is read and thrown away.</summary>
    public const long MaxBodyBytes = 2 * 1024 * 1024;

    /// <summary>The parameter that holds an answer, with an id that the client makes up.</summary>
    public const string Hold = "hold";

    /// <summary>The parameter that ends an answer that is held.</summary>
    public const string Release = "release";

    private const int MaxIdLength = 64;

    /// <summary>At the same time: anybody may ask.</summary>
    private const int MaxProbes = 4;

    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _probes = new(MaxProbes, MaxProbes);

    /// <summary>The answers that are held, by their ids. Each is a probe, so there are no more than <see cref="MaxProbes"/>.</summary>
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new(StringComparer.Ordinal);

    public async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Query[Release] is [{ } released])
        {
            // It waits for nothing, and is not refused while probes are under way, one of which waits for it.
            if (_held.TryGetValue(released, out TaskCompletionSource? end))
            {
                end.TrySetResult();
            }

            await WriteNumberAsync(context, context.RequestAborted);
            return;
        }

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
        if (context.Request.Query[Hold] is [{ Length: > 0 and <= MaxIdLength } id])
        {
            await AnswerInPartsAsync(context, id, cancel);
            return;
        }

        await WriteNumberAsync(context, cancel);
    }

    private async Task AnswerInPartsAsync(HttpContext context, string id, CancellationToken cancel)
    {
        TaskCompletionSource end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _held[id] = end;
        try
        {
            await WriteNumberAsync(context, cancel);
            await context.Response.Body.FlushAsync(cancel);
            await end.Task.WaitAsync(cancel);
        }
        finally
        {
            _held.TryRemove(KeyValuePair.Create(id, end));
        }
    }

    private async Task WriteNumberAsync(HttpContext context, CancellationToken cancel)
    {
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
