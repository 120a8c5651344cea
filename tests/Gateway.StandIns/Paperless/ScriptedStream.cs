using System.Threading.Channels;

namespace Gateway.StandIns.Paperless;

/// <summary>A streamed answer whose chunks a test sends one by one.</summary>
internal sealed class ScriptedStream
{
    private readonly Channel<string> _chunks = Channel.CreateUnbounded<string>();

    public void Send(string chunk) => _chunks.Writer.TryWrite(chunk);

    public void End() => _chunks.Writer.TryComplete();

    /// <summary>A stream that is all there from the beginning.</summary>
    public static ScriptedStream Of(params IEnumerable<string> chunks)
    {
        ScriptedStream stream = new ScriptedStream();
        foreach (string chunk in chunks)
        {
            stream.Send(chunk);
        }

        stream.End();
        return stream;
    }

    public IAsyncEnumerable<string> ReadAllAsync(CancellationToken ct) => _chunks.Reader.ReadAllAsync(ct);
}
