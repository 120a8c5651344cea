using Gateway.WebSockets;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>Opens a WebSocket at Paperless. The timeout applies until Paperless answers; after that the socket lives as long as its session.</summary>
internal sealed class WebSocketForwarder(PaperlessForwarder forwarder, OpenSockets sockets, ForwardingTimeouts timeouts, TimeProvider time)
{
    public async Task ForwardAsync(HttpContext context, SocketOwner owner, HttpTransformer transformer)
    {
        using CancellationTokenSource responseTimeout = new(timeouts.Response, time);
        sockets.Track(context, owner, onOpened: () => responseTimeout.CancelAfter(Timeout.InfiniteTimeSpan));
        await forwarder.ForwardSocketAsync(context, transformer, responseTimeout.Token);
    }
}
