using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Proxy;

/// <summary>
/// A body that came without a length: Paperless would read it as empty and say 200, so it is taken in first (64 KiB in memory, the rest
/// in a temporary file) and sent on with its length.
/// </summary>
internal sealed class UnsizedBody(GatewaySettings settings)
{
    public const int InMemory = 64 * 1024;

    /// <summary>Bytes; what is larger must come with a `Content-Length`.</summary>
    public const long Largest = 8L * 1024 * 1024 * 1024;

    /// <summary>The same from somebody unknown, who must not fill the disk; Django takes no larger form (DATA_UPLOAD_MAX_MEMORY_SIZE).</summary>
    public const long LargestAnonymous = 2_621_440;

    private const int CopyBuffer = 64 * 1024;

    private readonly string _directory = Path.Combine(settings.DataDirectory, StorageFeature.SpoolDirectory);

    public static bool IsIn(HttpContext context) =>
        context.Request.ContentLength is null
        && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
        && context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true };

    /// <exception cref="BadHttpRequestException">The body is larger than <paramref name="largest"/>, or broke off.</exception>
    public async Task TakeInAsync(HttpContext context, long largest)
    {
        FileBufferingReadStream spool = new(context.Request.Body, InMemory, largest, () => _directory);
        context.Response.RegisterForDispose(spool);
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(CopyBuffer);
        try
        {
            while (await spool.ReadAsync(buffer, context.RequestAborted) > 0)
            {
            }
        }
        catch (IOException error) when (error is not BadHttpRequestException && spool.Length >= largest - CopyBuffer)
        {
            throw new BadHttpRequestException("The body is too large for one without a length.", StatusCodes.Status413PayloadTooLarge, error);
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
}
