using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>An answer as it came.</summary>
internal sealed record RawAnswer(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, string Body)
{
    public string? Header(string name) => Headers.FirstOrDefault(line => line.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
}

/// <summary>Sends requests of which every byte is the test's own, one after another on a connection that is opened again where it was closed.</summary>
internal sealed class RawClient(int port) : IDisposable
{
    private TcpClient? _connection;
    private BufferedStream? _stream;

    /// <returns>A status of 0 where the connection was closed without an answer.</returns>
    public Task<RawAnswer> SendAsync(string request) => ExchangeAsync(request)
        .InTimeAsync("The gateway answers or closes the connection.", () => request[..Math.Min(request.Length, 1000)]);

    public void Dispose() => Close();

    private async Task<RawAnswer> ExchangeAsync(string request)
    {
        bool isHead = request.StartsWith("HEAD ", StringComparison.OrdinalIgnoreCase);
        for (bool reused = _connection is not null; ; reused = false)
        {
            await OpenAsync(World.Ct);
            RawAnswer answer = await TryAsync(request, isHead, World.Ct);
            if (answer.Status == 0 || string.Equals(answer.Header("Connection"), "close", StringComparison.OrdinalIgnoreCase))
            {
                Close();
            }

            // The answer before may have been the connection's last.
            if (answer.Status != 0 || !reused)
            {
                return answer;
            }
        }
    }

    private async Task OpenAsync(CancellationToken cancel)
    {
        if (_connection is null)
        {
            _connection = new TcpClient { NoDelay = true };
            await _connection.ConnectAsync("127.0.0.1", port, cancel);
            _stream = new BufferedStream(_connection.GetStream());
        }
    }

    private async Task<RawAnswer> TryAsync(string request, bool isHead, CancellationToken cancel)
    {
        try
        {
            await _stream!.WriteAsync(Encoding.Latin1.GetBytes(request), cancel);
            await _stream.FlushAsync(cancel);
            RawAnswer answer = await HeadAsync(cancel);
            while (answer.Status is >= 100 and < 200 and not 101)
            {
                answer = await HeadAsync(cancel);
            }

            return isHead || answer.Status is 0 or 101 or 204 or 304 ? answer : answer with { Body = await BodyAsync(answer, cancel) };
        }
        catch (IOException)
        {
            return new RawAnswer(0, [], "");
        }
    }

    private void Close()
    {
        _stream?.Dispose();
        _connection?.Dispose();
        _connection = null;
    }

    private async Task<RawAnswer> HeadAsync(CancellationToken cancel)
    {
        if (await LineAsync(cancel) is not { Length: > 12 } status)
        {
            return new RawAnswer(0, [], "");
        }

        List<KeyValuePair<string, string>> headers = [];
        while (await LineAsync(cancel) is { Length: > 0 } line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            headers.Add(new(line[..colon], line[(colon + 1)..].Trim(' ')));
        }

        return new RawAnswer(int.Parse(status.AsSpan(9, 3), CultureInfo.InvariantCulture), headers, "");
    }

    private async Task<string> BodyAsync(RawAnswer head, CancellationToken cancel)
    {
        if (head.Header("Content-Length") is { } length)
        {
            return await BytesAsync(int.Parse(length, CultureInfo.InvariantCulture), cancel);
        }

        StringBuilder body = new();
        while (head.Header("Transfer-Encoding") is not null && await LineAsync(cancel) is { Length: > 0 } size && size != "0")
        {
            body.Append(await BytesAsync(int.Parse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), cancel));
            await LineAsync(cancel);
        }

        if (head.Header("Transfer-Encoding") is not null)
        {
            await LineAsync(cancel);
        }

        return body.ToString();
    }

    private async Task<string> BytesAsync(int count, CancellationToken cancel)
    {
        byte[] bytes = new byte[count];
        await _stream!.ReadExactlyAsync(bytes, cancel);
        return Encoding.Latin1.GetString(bytes);
    }

    /// <summary>Null at the end of the connection.</summary>
    private async Task<string?> LineAsync(CancellationToken cancel)
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (await _stream!.ReadAsync(one, cancel) == 1)
        {
            if (one[0] == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append((char)one[0]);
        }

        return null;
    }
}
