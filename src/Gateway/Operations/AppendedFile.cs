using System.Buffers;

namespace Gateway.Operations;

/// <summary>
/// Appends to a file at each flush, and opens it for that: a file that was moved or cut by a rotation is continued as a new one, and a command can write
/// to it beside the running gateway. Only the owner may read a new file.
/// </summary>
/// <remarks>
/// .NET has no O_APPEND: <see cref="FileMode.Append"/> writes at what was the end when the file was opened. So only one writer at a time has the file.
/// </remarks>
internal sealed class AppendedFile(string path) : Stream
{
    private const int MaxTries = 200;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(5);

    private readonly ArrayBufferWriter<byte> _pending = new();
    private bool _hasFailed;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer) => _pending.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Reports the first of several failures on standard error: a log line would need a writer that works.</summary>
    public override void Flush()
    {
        if (_pending.WrittenCount == 0)
        {
            return;
        }

        try
        {
            Append(_pending.WrittenSpan);
            _hasFailed = false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (!_hasFailed)
            {
                Console.Error.WriteLine($"Records of the audit stream are lost: {path} cannot be written ({error.Message}).");
            }

            _hasFailed = true;
        }
        finally
        {
            _pending.ResetWrittenCount();
        }
    }

    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written.</exception>
    public void Append(ReadOnlySpan<byte> buffer)
    {
        using FileStream file = Open();
        file.Write(buffer);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Waits for another writer for a second; then it fails, and with it the batch.</summary>
    private FileStream Open()
    {
        FileStreamOptions options = new() { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        for (int tries = 1; ; tries++)
        {
            try
            {
                return new FileStream(path, options);
            }
            catch (IOException error) when (error.GetType() == typeof(IOException) && tries < MaxTries)
            {
                // In use. A path that is not there has an exception of its own type.
                Thread.Sleep(RetryPause);
            }
        }
    }
}
