using System.Buffers;
using System.Diagnostics;
using System.IO.Compression;
using System.Threading.Channels;
using Gateway.Background;

namespace Gateway.StaticCache;

/// <summary>
/// Compresses static files. Most come from Paperless in brotli; the others get fast gzip when they are fetched. What is missing of the two is made
/// later, one file at a time in the background.
/// </summary>
internal sealed class StaticFileCompression(StaticFileStore store, TimeProvider time, ILogger<StaticFileCompression> logger) : BackgroundService
{
    /// <summary>The capacity of the queue; further files keep their fast compression.</summary>
    private const int MaxQueued = 4096;

    private const int SliceBytes = 64 * 1024;

    /// <summary>
    /// The base-2 logarithm of brotli's window. The default 22 needs tens of MiB while it compresses, and gains a few percent.
    /// </summary>
    private const int BrotliWindowBits = 20;

    private readonly Channel<string> _paths = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MaxQueued) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Adds the fast compression, unless it saves too little.</summary>
    public static CachedStaticFile WithFastGzip(CachedStaticFile file) =>
        file.IsCompressible && Gzip(file) is { } bytes ? file.With("gzip", "gz1", bytes) : file;

    /// <summary>Decodes a file that came in brotli.</summary>
    /// <param name="memory">Gives the memory for the content as it grows.</param>
    /// <returns>Null where the bytes are no brotli, or the content is too large.</returns>
    public static byte[]? Decode(byte[] compressed, long maxBytes, StaticFileMemory memory)
    {
        using BrotliDecoder decoder = new();
        ReadOnlySpan<byte> rest = compressed;
        byte[] content = [];
        int length = 0;
        while (true)
        {
            OperationStatus status = decoder.Decompress(rest, content.AsSpan(length), out int read, out int written);
            rest = rest[read..];
            length += written;
            if (status == OperationStatus.Done)
            {
                return content[..length];
            }

            long larger = Math.Min(Math.Max(4L * compressed.Length, 2L * content.Length), maxBytes);
            if (status != OperationStatus.DestinationTooSmall || larger <= content.Length || !memory.TryTake(larger - content.Length))
            {
                return null;
            }

            Array.Resize(ref content, (int)larger);
        }
    }

    public void Enqueue(CachedStaticFile file)
    {
        if (file.IsCompressible)
        {
            _paths.Writer.TryWrite(file.Path);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Compressing a static file", time, logger).RunQueueAsync(_paths.Reader, CompressAsync, stoppingToken);

    /// <summary>A dedicated thread keeps the thread pool free for requests.</summary>
    private Task CompressAsync(string path, CancellationToken stopping) =>
        Task.Factory.StartNew(() => Compress(path, stopping), stopping, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Compress(string path, CancellationToken stopping)
    {
        if (store.Find(path) is not { } file || (file.Brotli is not null && file.Gzip is not null) || !store.TryReserve(file.Identity.Bytes.Length))
        {
            return;
        }

        try
        {
            if (file.Gzip is null)
            {
                Store(file, WithFastGzip);
            }

            if (file.Brotli is null && Brotli(file, stopping) is { } brotli)
            {
                Store(file, current => current.With(CachedStaticFile.BrotliCoding, CachedStaticFile.BrotliCoding, brotli));
            }
        }
        finally
        {
            store.Release(file.Identity.Bytes.Length);
        }
    }

    /// <summary>The file may have been evicted or replaced during the compression.</summary>
    private void Store(CachedStaticFile file, Func<CachedStaticFile, CachedStaticFile> add) =>
        store.Update(file.Path, current => current.Identity.Bytes == file.Identity.Bytes ? add(current) : current);

    private static byte[]? Brotli(CachedStaticFile file, CancellationToken stopping)
    {
        byte[] content = file.Identity.Bytes;
        byte[] output = new byte[file.MaxCompressedLength];
        int length = 0;
        using BrotliEncoder encoder = new(quality: 11, BrotliWindowBits);
        for (int at = 0; at < content.Length; at += SliceBytes)
        {
            long begin = Stopwatch.GetTimestamp();
            ReadOnlySpan<byte> slice = content.AsSpan(at, Math.Min(SliceBytes, content.Length - at));
            bool isLast = at + slice.Length == content.Length;
            if (encoder.Compress(slice, output.AsSpan(length), out _, out int written, isLast) != OperationStatus.Done)
            {
                return null;
            }

            length += written;

            // A large file takes seconds: the compression leaves half of the time to requests, and stops with the gateway.
            stopping.WaitHandle.WaitOne(Stopwatch.GetElapsedTime(begin));
            stopping.ThrowIfCancellationRequested();
        }

        return output[..length];
    }

    private static byte[]? Gzip(CachedStaticFile file)
    {
        byte[] output = new byte[file.MaxCompressedLength];
        using MemoryStream compressed = new(output);
        try
        {
            using GZipStream coder = new(compressed, CompressionLevel.Fastest, leaveOpen: true);
            coder.Write(file.Identity.Bytes);
        }
        catch (NotSupportedException)
        {
            // The buffer is full and does not grow.
            return null;
        }

        return output[..(int)compressed.Position];
    }
}
