using System.Buffers;
using System.Net;
using Gateway.Access;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Forwarding;

/// <summary>
/// Buffers a body without a length (64 KiB in memory, the rest in a temporary file) and forwards the body with its length. Paperless would
/// read a chunked body as empty and answer 200.
/// </summary>
internal sealed class ChunkedBodyBuffer(
    StorageSettings settings,
    CredentialCheck credentials,
    UnverifiedBodies unverified,
    UnverifiedBodyLimits limits,
    TimeProvider time)
{
    public const int MaxInMemoryBytes = 64 * 1024;

    /// <summary>A larger body needs a `Content-Length`.</summary>
    public const long MaxBytes = 8L * 1024 * 1024 * 1024;

    /// <summary>Unknown clients must not fill the disk; Django accepts no larger form (DATA_UPLOAD_MAX_MEMORY_SIZE).</summary>
    public const long MaxAnonymousBytes = 2_621_440;

    /// <summary>The sessions are on the same disk.</summary>
    private const long MinFreeDiskBytes = 256L * 1024 * 1024;

    private const int CopyBufferBytes = 64 * 1024;

    private readonly string _directory = Path.Combine(settings.DataDirectory, StorageFeature.SpoolDirectory);

    public static bool IsChunked(HttpContext context) =>
        context.Request.ContentLength is null
        && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
        && context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true };

    /// <returns><see cref="CredentialStatus.Accepted"/> where the body is buffered; the caller refuses the request for any other status.</returns>
    /// <exception cref="BadHttpRequestException">The body is too large, takes too long, or is incomplete.</exception>
    public async Task<CredentialStatus> BufferAsync(HttpContext context, AccessDecision access)
    {
        bool hasCredential = access == AccessDecision.WithCredential;
        CredentialStatus? cached = hasCredential ? credentials.FindCached(context) : null;
        if (cached is CredentialStatus.Rejected)
        {
            return CredentialStatus.Rejected;
        }

        FileBufferingReadStream spool = new(context.Request.Body, MaxInMemoryBytes, bufferLimit: null, () => _directory);
        context.Response.RegisterForDispose(spool);
        bool isVerified = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession or AccessDecision.WithDevicePassword
            or AccessDecision.WithBearerToken
            || cached is CredentialStatus.Accepted;
        SpoolUsage usage = new(_directory, unverified, limits, ClientAddress.From(context), hasCredential, isVerified);
        context.Response.RegisterForDispose(usage);
        CredentialStatus status = CredentialStatus.Unknown;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBufferBytes);
        try
        {
            status = await CopyAsync(context, spool, usage, buffer);
        }
        catch (IOException error) when (error.InnerException is OverflowException)
        {
            // Kestrel throws this for a chunk size that overflows an integer.
            throw new BadHttpRequestException("The chunked encoding of the body is malformed.", StatusCodes.Status400BadRequest, error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (status != CredentialStatus.Accepted)
            {
                // Release the space now, not after the rest of the body is read off the connection.
                usage.Dispose();
                await spool.DisposeAsync();
            }
        }

        if (status == CredentialStatus.Accepted)
        {
            spool.Position = 0;
            context.Request.Body = spool;
            context.Request.Headers.Remove("Transfer-Encoding");
            context.Request.ContentLength = spool.Length;
        }

        return status;
    }

    private async Task<CredentialStatus> CopyAsync(HttpContext context, FileBufferingReadStream spool, SpoolUsage usage, byte[] buffer)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Task timeout = usage.IsVerified ? Task.CompletedTask : Task.Delay(limits.Timeout, time, stop.Token);
        Task<int> pendingRead = Task.FromResult(0);
        try
        {
            while (true)
            {
                pendingRead = spool.ReadAsync(buffer, stop.Token).AsTask();

                // The read continues during the check of the credential: a cancelled read may lose bytes.
                await Task.WhenAny(pendingRead, timeout);
                if (!usage.IsVerified && timeout.IsCompleted && await VerifyLateBodyAsync(context, usage) is var lateStatus and not CredentialStatus.Accepted)
                {
                    return lateStatus;
                }

                int read = await pendingRead;
                if (read == 0)
                {
                    return CredentialStatus.Accepted;
                }

                usage.Add(read);
                if (usage.MustBeVerified && await VerifyAsync(context, usage) is var status and not CredentialStatus.Accepted)
                {
                    return status;
                }

                usage.ThrowIfFull();
            }
        }
        finally
        {
            // The caller returns the buffer to the pool: no read may write to the buffer any more.
            await stop.CancelAsync();
            await ((Task)pendingRead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>After the timeout only a body with a valid credential continues.</summary>
    private Task<CredentialStatus> VerifyLateBodyAsync(HttpContext context, SpoolUsage usage)
    {
        context.RequestAborted.ThrowIfCancellationRequested();
        return usage.HasCredential
            ? VerifyAsync(context, usage)
            : throw new BadHttpRequestException("The body takes too long: send it faster, or sign in first.", StatusCodes.Status408RequestTimeout);
    }

    private async Task<CredentialStatus> VerifyAsync(HttpContext context, SpoolUsage usage)
    {
        CredentialStatus status = await credentials.AskAsync(context);
        if (status == CredentialStatus.Accepted)
        {
            usage.Verify();
        }

        return status;
    }

    /// <summary>The part of the spool that one request uses until the response.</summary>
    private sealed class SpoolUsage(
        string directory,
        UnverifiedBodies unverified,
        UnverifiedBodyLimits limits,
        IPAddress address,
        bool hasCredential,
        bool isVerified) : IDisposable
    {
        private const long DiskCheckInterval = 16L * 1024 * 1024;

        private long _bytes;
        private long _unverifiedBytes;
        private long _diskCheckedAt;

        public bool HasCredential => hasCredential;

        public bool IsVerified { get; private set; } = isVerified;

        /// <summary>Whether the credential must be checked before more of the body is read.</summary>
        public bool MustBeVerified => hasCredential && !IsVerified && (_bytes > limits.VerifyAbove || unverified.IsHalfUsed(address));

        public void Add(int bytes)
        {
            _bytes += bytes;
            if (!IsVerified)
            {
                _unverifiedBytes += bytes;
                unverified.Add(address, bytes);
            }
        }

        /// <summary>The bytes so far no longer count as unverified.</summary>
        public void Verify()
        {
            Dispose();
            IsVerified = true;
        }

        /// <exception cref="BadHttpRequestException">The body is too large, or the spool is full.</exception>
        public void ThrowIfFull()
        {
            if (_bytes > (IsVerified || hasCredential ? MaxBytes : MaxAnonymousBytes))
            {
                throw new BadHttpRequestException(
                    "The body without a length is too large: send it with Content-Length.",
                    StatusCodes.Status413PayloadTooLarge);
            }

            bool isFull = !IsVerified && unverified.IsFull(address);
            if (_bytes - _diskCheckedAt >= DiskCheckInterval)
            {
                _diskCheckedAt = _bytes;
                isFull |= new DriveInfo(directory).AvailableFreeSpace < MinFreeDiskBytes;
            }

            if (isFull)
            {
                throw new BadHttpRequestException(
                    "The gateway has no disk space for a body without a length: send it with Content-Length.",
                    StatusCodes.Status503ServiceUnavailable);
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _unverifiedBytes, 0) is var heldBytes and > 0)
            {
                unverified.Add(address, -heldBytes);
            }
        }
    }
}
