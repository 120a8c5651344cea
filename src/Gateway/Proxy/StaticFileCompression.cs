using System.IO.Compression;
using System.Threading.Channels;

namespace Gateway.Proxy;

/// <summary>Makes the small copies of static files: a quick one with the file, the best ones afterwards, one at a time and off every request's way.</summary>
internal sealed class StaticFileCompression(StaticFileStore store) : BackgroundService
{
    /// <summary>Paths that wait; what finds no place keeps its quick copy.</summary>
    private const int Waiting = 4096;

    /// <summary>Between two looks at whether the gateway stops: brotli takes seconds for a large file.</summary>
    private const int Slice = 64 * 1024;

    private readonly Channel<string> _paths = Channel.CreateBounded<string>(new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>The quick copy, for those who come before the best one is there; null where it is not worth it.</summary>
    public static StaticFile WithQuickCopy(StaticFile file) =>
        Shrunk(file.Identity.Bytes, to => new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true), CancellationToken.None) is { } bytes ? file.With("gzip", "gz1", bytes) : file;

    public void Enqueue(StaticFile file)
    {
        if (file.IsCompressible)
        {
            _paths.Writer.TryWrite(file.Path);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (string path in _paths.Reader.ReadAllAsync(stoppingToken))
        {
            // A thread of its own: those of the pool are for requests.
            await Task.Factory.StartNew(() => Compress(path, stoppingToken), stoppingToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private void Compress(string path, CancellationToken stopping)
    {
        if (store.Find(path) is not { Brotli: null } file || !store.TryReserve(file.Identity.Bytes.Length))
        {
            return;
        }

        try
        {
            byte[] content = file.Identity.Bytes;
            Offer(file, "br", "br", Shrunk(content, to => new BrotliStream(to, new BrotliCompressionOptions { Quality = 11 }, leaveOpen: true), stopping));
            Offer(file, "gzip", "gz9", Shrunk(content, to => new GZipStream(to, CompressionLevel.SmallestSize, leaveOpen: true), stopping));
        }
        finally
        {
            store.Release(file.Identity.Bytes.Length);
        }
    }

    /// <summary>The file may have been let go of or changed meanwhile.</summary>
    private void Offer(StaticFile file, string coding, string level, byte[]? bytes)
    {
        if (bytes is not null)
        {
            store.Update(file.Path, now => now.Identity.Bytes == file.Identity.Bytes ? now.With(coding, level, bytes) : now);
        }
    }

    /// <returns>Null where it comes to more than nine tenths.</returns>
    private static byte[]? Shrunk(byte[] content, Func<Stream, Stream> coding, CancellationToken stopping)
    {
        byte[] room = new byte[content.Length - (content.Length / 10)];
        using MemoryStream compressed = new(room);
        try
        {
            using Stream coder = coding(compressed);
            for (int at = 0; at < content.Length; at += Slice)
            {
                stopping.ThrowIfCancellationRequested();
                coder.Write(content, at, Math.Min(Slice, content.Length - at));
            }
        }
        catch (NotSupportedException)
        {
            // The room does not grow.
            return null;
        }

        return room[..(int)compressed.Position];
    }
}
