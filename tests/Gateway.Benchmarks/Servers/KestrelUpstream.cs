using System.Globalization;
using System.Net.WebSockets;

namespace Gateway.Benchmarks.Servers;

/// <summary>What nginx cannot be: an upstream that takes a body to its end before it answers, and that keeps WebSockets open.</summary>
internal static class KestrelUpstream
{
    /// <summary>The word that makes this program one.</summary>
    public const string Word = "upstream";

    public const string UploadPath = "api/documents/post_document/";

    public const string SocketPath = "ws/status/";

    public static async Task<Uri> StartAsync(Workbench bench)
    {
        int port = Workbench.FreePort();
        Child server = bench.Start("dotnet", [typeof(KestrelUpstream).Assembly.Location, Word, port.ToString(CultureInfo.InvariantCulture)]);
        Uri address = new($"http://127.0.0.1:{port}/");
        await server.WaitForAsync(address, bench.Cancel);
        return address;
    }

    public static async Task ServeAsync(string port)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        await using WebApplication app = builder.Build();
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
        app.Run(AnswerAsync);
        await app.RunAsync();
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        if (context.WebSockets.IsWebSocketRequest)
        {
            await EchoAsync(await context.WebSockets.AcceptWebSocketAsync(), context.RequestAborted);
            return;
        }

        long taken = 0;
        byte[] buffer = new byte[256 * 1024];
        while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is > 0 and int read)
        {
            taken += read;
        }

        await context.Response.WriteAsync(taken.ToString(CultureInfo.InvariantCulture), context.RequestAborted);
    }

    private static async Task EchoAsync(WebSocket socket, CancellationToken cancel)
    {
        byte[] buffer = new byte[128];
        try
        {
            while (await socket.ReceiveAsync(buffer, cancel) is { MessageType: not WebSocketMessageType.Close } message)
            {
                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, cancel);
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            // The other side went without a word, as a browser does.
        }
    }
}
