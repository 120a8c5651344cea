using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Proxy;

/// <summary>
/// A body that came without a length: Paperless would read it as empty and say 200, so it is taken in first (64 KiB in memory, the rest
/// in a temporary file) and sent on with its length.
/// </summary>
internal sealed class UnsizedBody(GatewaySettings settings, CredentialCheck credentials)
{
    public const int InMemory = 64 * 1024;

    /// <summary>Bytes; what is larger must come with a `Content-Length`.</summary>
    public const long Largest = 8L * 1024 * 1024 * 1024;

    /// <summary>The same from somebody unknown, who must not fill the disk; Django takes no larger form (DATA_UPLOAD_MAX_MEMORY_SIZE).</summary>
    public const long LargestAnonymous = 2_621_440;

    /// <summary>The same with an API token, until Paperless was asked whether it is one.</summary>
    public const long LargestUnverified = 64L * 1024 * 1024;

    /// <summary>Bytes of all such bodies together, and what the disk must have left: the sessions live there too.</summary>
    private const long AllUnverified = 512L * 1024 * 1024;

    private const long DiskLeft = 256L * 1024 * 1024;

    private const int CopyBuffer = 64 * 1024;

    private readonly string _directory = Path.Combine(settings.DataDirectory, StorageFeature.SpoolDirectory);

    private long _unverified;

    public static bool IsIn(HttpContext context) =>
        context.Request.ContentLength is null
        && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
        && context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true };

    /// <exception cref="BadHttpRequestException">The body is too large for who sends it, or broke off.</exception>
    public async Task TakeInAsync(HttpContext context, Access access)
    {
        bool known = access is Access.WithIdentity or Access.WithLocalSession;
        long largest = known ? Largest : access == Access.WithCredential ? LargestUnverified : LargestAnonymous;
        FileBufferingReadStream spool = new(context.Request.Body, InMemory, bufferLimit: null, () => _directory);
        context.Response.RegisterForDispose(spool);
        Share share = new(this, known);
        context.Response.RegisterForDispose(share);
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(CopyBuffer);
        try
        {
            for (int read; (read = await spool.ReadAsync(buffer, context.RequestAborted)) > 0;)
            {
                share.Add(read);
                if (share.Bytes > largest && access == Access.WithCredential && largest == LargestUnverified && await credentials.IsTakenAsync(context))
                {
                    share.Verified();
                    largest = Largest;
                }

                share.Check(largest);
            }
        }
        catch (IOException error) when (error.InnerException is OverflowException)
        {
            // Kestrel's answer to the size of a chunk that no number can hold.
            throw new BadHttpRequestException("The body's chunks are broken.", StatusCodes.Status400BadRequest, error);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }

        spool.Position = 0;
        context.Request.Body = spool;
        context.Request.Headers.Remove("Transfer-Encoding");
        context.Request.ContentLength = spool.Length;
    }

    /// <summary>What one request holds of the spool, until it is answered.</summary>
    private sealed class Share(UnsizedBody spool, bool known) : IDisposable
    {
        private const long LookAtDiskEvery = 16L * 1024 * 1024;

        private long _unverified;
        private long _lookedAt;

        public long Bytes { get; private set; }

        public void Add(int bytes)
        {
            Bytes += bytes;
            if (!known)
            {
                _unverified += bytes;
                Interlocked.Add(ref spool._unverified, bytes);
            }
        }

        /// <summary>What is held so far no longer counts as a stranger's.</summary>
        public void Verified()
        {
            Dispose();
            known = true;
        }

        /// <exception cref="BadHttpRequestException">There is no room for it.</exception>
        public void Check(long largest)
        {
            if (Bytes > largest)
            {
                throw new BadHttpRequestException("The body is too large for one without a length: send it with Content-Length.", StatusCodes.Status413PayloadTooLarge);
            }

            bool full = !known && Interlocked.Read(ref spool._unverified) > AllUnverified;
            if (Bytes - _lookedAt >= LookAtDiskEvery)
            {
                _lookedAt = Bytes;
                full |= new DriveInfo(spool._directory).AvailableFreeSpace < DiskLeft;
            }

            if (full)
            {
                throw new BadHttpRequestException("There is no room for a body without a length: send it with Content-Length.", StatusCodes.Status503ServiceUnavailable);
            }
        }

        public void Dispose() => Interlocked.Add(ref spool._unverified, -Interlocked.Exchange(ref _unverified, 0));
    }
}
