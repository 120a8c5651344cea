using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>A server in place of Paperless that answers one request per connection with raw bytes from the test.</summary>
internal sealed class RawUpstream : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string, byte[]> _answer;

    private RawUpstream(Func<string, byte[]> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address => $"http://{_listener.LocalEndpoint}";

    /// <summary>The received request heads, up to the blank line.</summary>
    public List<string> Heads { get; } = [];

    /// <param name="answer">Gets the request head and returns the whole response; the connection is closed afterwards.</param>
    public static RawUpstream Answering(Func<string, byte[]> answer) => new(answer);

    public static RawUpstream Answering(string answer) => new(_ => Encoding.Latin1.GetBytes(answer));

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = AnswerAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using TcpClient connection = client;
        NetworkStream stream = connection.GetStream();
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, World.Ct) == 1)
        {
            head.Append((char)one[0]);
        }

        lock (Heads)
        {
            Heads.Add(head.ToString());
        }

        await stream.WriteAsync(_answer(head.ToString()), World.Ct);
    }
}
