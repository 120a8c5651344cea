using System.Buffers;
using System.Diagnostics;
using System.IO.Compression;
using System.Threading.Channels;
using Gateway.Background;

namespace Gateway.StaticCache;

/// <summary>Compresses static files: with fast gzip when a file is fetched, and with brotli later, one file at a time in the background.</summary>
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
        Gzip(file.Identity.Bytes) is { } bytes ? file.With("gzip", "gz1", bytes) : file;

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
        if (store.Find(path) is not { Brotli: null } file || !store.TryReserve(file.Identity.Bytes.Length))
        {
            return;
        }

        try
        {
            byte[] content = file.Identity.Bytes;
            Store(file, Brotli(content, stopping));
        }
        finally
        {
            store.Release(file.Identity.Bytes.Length);
        }
    }

    /// <summary>The file may have been evicted or replaced during the compression.</summary>
    private void Store(CachedStaticFile file, byte[]? brotli)
    {
        if (brotli is not null)
        {
            store.Update(file.Path, current => current.Identity.Bytes == file.Identity.Bytes ? current.With("br", "br", brotli) : current);
        }
    }

    private static byte[]? Brotli(byte[] content, CancellationToken stopping)
    {
        byte[] output = AllocateOutput(content);
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

    private static byte[]? Gzip(byte[] content)
    {
        byte[] output = AllocateOutput(content);
        using MemoryStream compressed = new(output);
        try
        {
            using GZipStream coder = new(compressed, CompressionLevel.Fastest, leaveOpen: true);
            coder.Write(content);
        }
        catch (NotSupportedException)
        {
            // The buffer is full and does not grow.
            return null;
        }

        return output[..(int)compressed.Position];
    }

    /// <summary>A compressed file above nine tenths of the size is not worth its memory.</summary>
    private static byte[] AllocateOutput(byte[] content) => new byte[content.Length - (content.Length / 10)];
}
