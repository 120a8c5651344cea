using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>What came back on a connection.</summary>
/// <param name="Status">0 where nothing came.</param>
/// <param name="IsWhole">Whether the answer came to its end.</param>
internal sealed record ExchangedAnswer(int Status, string Head, string Body, bool IsWhole)
{
    public bool SetsCookie(string start) => Head.Split("\r\n").Any(line => line.StartsWith("Set-Cookie: " + start, StringComparison.OrdinalIgnoreCase));
}

/// <summary>One request, byte for byte, on a connection of its own, and its answer.</summary>
internal static class RawExchange
{
    /// <param name="isWhole">False for a request that breaks off: the connection is then closed after it.</param>
    public static Task<ExchangedAnswer> SendAsync(int port, byte[] request, bool isWhole, bool isHead) => ExchangeAsync(port, request, isWhole, isHead)
        .InTimeAsync("The gateway answers or closes the connection.", () => Encoding.Latin1.GetString(request, 0, Math.Min(request.Length, 1000)));

    private static async Task<ExchangedAnswer> ExchangeAsync(int port, byte[] request, bool isWhole, bool isHead)
    {
        using TcpClient connection = new() { NoDelay = true };
        await connection.ConnectAsync(IPAddress.Loopback, port, World.Ct);
        NetworkStream stream = connection.GetStream();
        using MemoryStream received = new();
        try
        {
            await stream.WriteAsync(request, World.Ct);
            if (!isWhole)
            {
                connection.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (IOException)
        {
            // Refused before it was sent whole: the answer says why.
        }

        byte[] buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await stream.ReadAsync(buffer, World.Ct)) > 0;)
            {
                received.Write(buffer, 0, read);
                if (Read(Encoding.Latin1.GetString(received.GetBuffer(), 0, (int)received.Length), isHead, hasEnded: false) is { IsWhole: true } whole)
                {
                    return whole;
                }
            }
        }
        catch (IOException)
        {
            // A reset ends it as a close does.
        }

        return Read(Encoding.Latin1.GetString(received.ToArray()), isHead, hasEnded: true) ?? new ExchangedAnswer(0, "", "", IsWhole: false);
    }

    /// <returns>Null while not even the head is there.</returns>
    private static ExchangedAnswer? Read(string text, bool isHead, bool hasEnded)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0 || !int.TryParse(text.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            return null;
        }

        string head = text[..(end + 2)];
        string rest = text[(end + 4)..];
        if (status == 100)
        {
            return Read(rest, isHead, hasEnded);
        }

        if (isHead || status is 101 or 204 or 304)
        {
            return new ExchangedAnswer(status, head, "", IsWhole: true);
        }

        if (Header(head, "Content-Length") is { } length)
        {
            int bytes = int.Parse(length, CultureInfo.InvariantCulture);
            return new ExchangedAnswer(status, head, rest, rest.Length >= bytes);
        }

        return Header(head, "Transfer-Encoding") is null
            ? new ExchangedAnswer(status, head, rest, hasEnded)
            : new ExchangedAnswer(status, head, rest, rest.EndsWith("0\r\n\r\n", StringComparison.Ordinal));
    }

    private static string? Header(string head, string name) =>
        head.Split("\r\n").FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
}
