using System.Net.Sockets;
using System.Text;
using Gateway.Tests.Kit;

namespace Gateway.Tests.StandIns;

/// <summary>Sends bytes exactly as written, for what HttpClient would tidy up.</summary>
internal static class RawHttp
{
    /// <summary>The whole answer; the request must say Connection: close.</summary>
    public static Task<string> SendAsync(Uri address, string request) =>
        ExchangeAsync(address, request).InTimeAsync($"The whole answer comes to {request.Split('\r')[0]}");

    private static async Task<string> ExchangeAsync(Uri address, string request)
    {
        using TcpClient connection = new TcpClient();
        await connection.ConnectAsync(address.Host, address.Port, PaperlessClient.Ct);
        NetworkStream stream = connection.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), PaperlessClient.Ct);
        using StreamReader reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync(PaperlessClient.Ct);
    }
}
