using System.Buffers;
using System.Diagnostics;
using System.IO.Compression;
using System.Threading.Channels;
using Gateway.Background;

namespace Gateway.StaticCache;

/// <summary>Makes the small copies of static files: a quick one with the file, the best ones afterwards, one at a time and off every request's way.</summary>
internal sealed class StaticFileCompression(StaticFileStore store, TimeProvider time, ILogger<StaticFileCompression> logger) : BackgroundService
{
    /// <summary>Paths that wait; what finds no place keeps its quick copy.</summary>
    private const int Waiting = 4096;

    private const int Slice = 64 * 1024;

    /// <summary>
    /// Two to this power are the bytes that brotli looks back over. Its own 22 costs tens of MiB for tables while it works, for a few percent.
    /// </summary>
    private const int BrotliWindow = 20;

    private readonly Channel<string> _paths = Channel.CreateBounded<string>(
        new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>The quick copy, for those who come before the best one is there; without it where it is not worth it.</summary>
    public static StaticFile WithQuickCopy(StaticFile file) =>
        Gzip(file.Identity.Bytes, CompressionLevel.Fastest, CancellationToken.None) is { } bytes ? file.With("gzip", "gz1", bytes) : file;

    public void Enqueue(StaticFile file)
    {
        if (file.IsCompressible)
        {
            _paths.Writer.TryWrite(file.Path);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Compressing a static file", time, logger).RunQueueAsync(_paths.Reader, CompressAsync, stoppingToken);

    /// <summary>A thread of its own: those of the pool are for requests.</summary>
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
            Offer(file, "br", "br", Brotli(content, stopping));
            Offer(file, "gzip", "gz9", Gzip(content, CompressionLevel.SmallestSize, stopping));
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

    private static byte[]? Brotli(byte[] content, CancellationToken stopping)
    {
        byte[] room = RoomFor(content);
        int length = 0;
        using BrotliEncoder encoder = new(quality: 11, BrotliWindow);
        for (int at = 0; at < content.Length; at += Slice)
        {
            long begin = Stopwatch.GetTimestamp();
            ReadOnlySpan<byte> slice = content.AsSpan(at, Math.Min(Slice, content.Length - at));
            if (encoder.Compress(slice, room.AsSpan(length), out _, out int written, isFinalBlock: at + slice.Length == content.Length) != OperationStatus.Done)
            {
                return null;
            }

            length += written;

            // It takes seconds for a large file: half of them are for others, and none after the gateway's end.
            stopping.WaitHandle.WaitOne(Stopwatch.GetElapsedTime(begin));
            stopping.ThrowIfCancellationRequested();
        }

        return room[..length];
    }

    private static byte[]? Gzip(byte[] content, CompressionLevel level, CancellationToken stopping)
    {
        byte[] room = RoomFor(content);
        using MemoryStream compressed = new(room);
        try
        {
            using GZipStream coder = new(compressed, level, leaveOpen: true);
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

    /// <summary>A copy that needs more than nine tenths is not worth its memory.</summary>
    private static byte[] RoomFor(byte[] content) => new byte[content.Length - (content.Length / 10)];
}
