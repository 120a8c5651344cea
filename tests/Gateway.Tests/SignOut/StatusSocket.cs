using System.Net.WebSockets;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignOut;

/// <summary>The live status as a page of Paperless opens it.</summary>
internal sealed class StatusSocket : IDisposable
{
    private readonly ClientWebSocket _socket = new();

    public static async Task<StatusSocket> OpenAsync(World world, Visitor visitor)
    {
        StatusSocket status = new();
        status._socket.Options.SetRequestHeader("Cookie", visitor.Cookies.GetCookieHeader(new Uri(world.Origin)));
        status._socket.Options.SetRequestHeader("Origin", world.Origin);
        await status._socket.ConnectAsync(new Uri(world.Origin.Replace("http", "ws", StringComparison.Ordinal) + "/ws/status/"), World.Ct)
            .InTimeAsync("The WebSocket opens.");
        return status;
    }

    /// <summary>Waits until the other side closes it, and answers as browsers do.</summary>
    /// <returns>The status code, by RFC 6455, section 7.4.</returns>
    public async Task<int> ClosedWithAsync()
    {
        WebSocketReceiveResult close = await ReceiveCloseAsync().InTimeAsync("The other side closes the WebSocket.");
        await _socket.CloseOutputAsync(close.CloseStatus!.Value, null, World.Ct);
        return (int)close.CloseStatus.Value;
    }

    /// <summary>Waits for a message.</summary>
    public Task ReceivedAsync() => _socket.ReceiveAsync(new byte[4096], World.Ct).InTimeAsync("A message arrives.");

    public void Dispose() => _socket.Dispose();

    private async Task<WebSocketReceiveResult> ReceiveCloseAsync()
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            WebSocketReceiveResult received = await _socket.ReceiveAsync(buffer, World.Ct);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return received;
            }
        }
    }
}
