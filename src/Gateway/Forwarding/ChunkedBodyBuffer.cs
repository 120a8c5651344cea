using System.Buffers;
using System.Net;
using Gateway.Access;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Forwarding;

/// <summary>
/// A body that came without a length: Paperless would read it as empty and say 200, so it is taken in first (64 KiB in memory, the rest
/// in a temporary file) and sent on with its length.
/// </summary>
internal sealed class ChunkedBodyBuffer(
    GatewaySettings settings,
    CredentialCheck credentials,
    UnverifiedBodies unverified,
    UnverifiedBodyLimits limits,
    TimeProvider time)
{
    public const int InMemory = 64 * 1024;

    /// <summary>Bytes; what is larger must come with a `Content-Length`.</summary>
    public const long Largest = 8L * 1024 * 1024 * 1024;

    /// <summary>The same from somebody unknown, who must not fill the disk; Django takes no larger form (DATA_UPLOAD_MAX_MEMORY_SIZE).</summary>
    public const long LargestAnonymous = 2_621_440;

    /// <summary>What the disk must have left: the sessions live there too.</summary>
    private const long DiskLeft = 256L * 1024 * 1024;

    private const int CopyBuffer = 64 * 1024;

    private readonly string _directory = Path.Combine(settings.DataDirectory, StorageFeature.SpoolDirectory);

    public static bool IsIn(HttpContext context) =>
        context.Request.ContentLength is null
        && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
        && context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true };

    /// <returns>Anything but <see cref="CredentialStatus.Accepted"/>: the body is not in, and the request is to be refused.</returns>
    /// <exception cref="BadHttpRequestException">The body is too large for who sends it, takes too long, or broke off.</exception>
    public async Task<CredentialStatus> BufferAsync(HttpContext context, AccessDecision access)
    {
        bool hasCredential = access == AccessDecision.WithCredential;
        CredentialStatus? known = hasCredential ? credentials.FindCached(context) : null;
        if (known is CredentialStatus.Rejected)
        {
            return CredentialStatus.Rejected;
        }

        FileBufferingReadStream spool = new(context.Request.Body, InMemory, bufferLimit: null, () => _directory);
        context.Response.RegisterForDispose(spool);
        bool isVerified = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession || known is CredentialStatus.Accepted;
        Share share = new(_directory, unverified, limits, ClientAddress.From(context), hasCredential, isVerified);
        context.Response.RegisterForDispose(share);
        CredentialStatus answer = CredentialStatus.Unknown;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBuffer);
        try
        {
            answer = await CopyAsync(context, spool, share, buffer);
        }
        catch (IOException error) when (error.InnerException is OverflowException)
        {
            // Kestrel's answer to the size of a chunk that no number can hold.
            throw new BadHttpRequestException("The body's chunks are broken.", StatusCodes.Status400BadRequest, error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (answer != CredentialStatus.Accepted)
            {
                // At once, and not when the rest of the body has been read off the connection.
                share.Dispose();
                await spool.DisposeAsync();
            }
        }

        if (answer == CredentialStatus.Accepted)
        {
            spool.Position = 0;
            context.Request.Body = spool;
            context.Request.Headers.Remove("Transfer-Encoding");
            context.Request.ContentLength = spool.Length;
        }

        return answer;
    }

    private async Task<CredentialStatus> CopyAsync(HttpContext context, FileBufferingReadStream spool, Share share, byte[] buffer)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Task timeout = share.IsVerified ? Task.CompletedTask : Task.Delay(limits.Timeout, time, over.Token);
        Task<int> reading = Task.FromResult(0);
        try
        {
            while (true)
            {
                reading = spool.ReadAsync(buffer, over.Token).AsTask();

                // The read goes on while Paperless is asked: cancelled in between, it might lose bytes.
                await Task.WhenAny(reading, timeout);
                if (!share.IsVerified && timeout.IsCompleted && await VerifyInTimeAsync(context, share) is var late and not CredentialStatus.Accepted)
                {
                    return late;
                }

                int read = await reading;
                if (read == 0)
                {
                    return CredentialStatus.Accepted;
                }

                share.Add(read);
                if (share.MustBeVerified && await VerifyAsync(context, share) is var answer and not CredentialStatus.Accepted)
                {
                    return answer;
                }

                share.Check();
            }
        }
        finally
        {
            // The buffer is somebody else's from here on.
            await over.CancelAsync();
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The time is up: whoever has a good credential goes on, however slowly, and nobody else.</summary>
    private Task<CredentialStatus> VerifyInTimeAsync(HttpContext context, Share share)
    {
        context.RequestAborted.ThrowIfCancellationRequested();
        return share.HasCredential
            ? VerifyAsync(context, share)
            : throw new BadHttpRequestException("The body takes too long.", StatusCodes.Status408RequestTimeout);
    }

    private async Task<CredentialStatus> VerifyAsync(HttpContext context, Share share)
    {
        CredentialStatus answer = await credentials.AskAsync(context);
        if (answer == CredentialStatus.Accepted)
        {
            share.Verify();
        }

        return answer;
    }

    /// <summary>What one request holds of the spool, until it is answered.</summary>
    private sealed class Share(
        string directory,
        UnverifiedBodies unverified,
        UnverifiedBodyLimits limits,
        IPAddress address,
        bool hasCredential,
        bool isVerified) : IDisposable
    {
        private const long LookAtDiskEvery = 16L * 1024 * 1024;

        private long _bytes;
        private long _unverified;
        private long _lookedAt;

        public bool HasCredential => hasCredential;

        public bool IsVerified { get; private set; } = isVerified;

        /// <summary>Whether Paperless is asked before any more is taken in.</summary>
        public bool MustBeVerified => hasCredential && !IsVerified && (_bytes > limits.AskFrom || unverified.IsHalfUsed(address));

        public void Add(int bytes)
        {
            _bytes += bytes;
            if (!IsVerified)
            {
                _unverified += bytes;
                unverified.Add(address, bytes);
            }
        }

        /// <summary>What is held so far no longer counts as a stranger's.</summary>
        public void Verify()
        {
            Dispose();
            IsVerified = true;
        }

        /// <exception cref="BadHttpRequestException">There is no room for it.</exception>
        public void Check()
        {
            if (_bytes > (IsVerified || hasCredential ? Largest : LargestAnonymous))
            {
                throw new BadHttpRequestException(
                    "The body is too large for one without a length: send it with Content-Length.",
                    StatusCodes.Status413PayloadTooLarge);
            }

            bool full = !IsVerified && unverified.IsFull(address);
            if (_bytes - _lookedAt >= LookAtDiskEvery)
            {
                _lookedAt = _bytes;
                full |= new DriveInfo(directory).AvailableFreeSpace < DiskLeft;
            }

            if (full)
            {
                throw new BadHttpRequestException(
                    "There is no room for a body without a length: send it with Content-Length.",
                    StatusCodes.Status503ServiceUnavailable);
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _unverified, 0) is var held and > 0)
            {
                unverified.Add(address, -held);
            }
        }
    }
}
