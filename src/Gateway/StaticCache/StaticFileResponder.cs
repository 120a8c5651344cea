using System.Buffers;
using System.Globalization;
using Gateway.Paperless;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.StaticCache;

/// <summary>
/// Answers requests for Paperless's static files from the cache. Requests that the cache cannot answer are forwarded.
/// </summary>
internal sealed class StaticFileResponder(
    StaticFileStore store,
    StaticFileFetch fetch,
    StaticFileLimits limits,
    StaticCacheMetrics metrics,
    TimeProvider clock)
{
    private const string Prefix = "/static/";
    private const int MaxPathLength = 512;

    /// <summary>Larger files are written in pieces, as the client reads: Kestrel would buffer a copy of the whole file.</summary>
    private const int PieceBytes = 64 * 1024;

    /// <summary>Without escapes each file has one cache key. A query may select another response, so it is not allowed.</summary>
    private static readonly SearchValues<char> CacheKeyCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~@+");

    /// <summary>The static files, the icon and the logo.</summary>
    public static bool IsStaticPath(PathString path) => path.Value!.StartsWith(Prefix, StringComparison.Ordinal) || IconLifetime.IsIcon(path.Value);

    /// <returns>False where the caller must forward the request.</returns>
    public async Task<bool> TryAnswerAsync(HttpContext context)
    {
        if (!IsCacheableRequest(context))
        {
            metrics.Forwarded();
            return false;
        }

        AcceptedCodings accepted = AcceptedCodings.From(context.Request.Headers.AcceptEncoding);
        string path = context.Request.Path.Value!;
        CachedStaticFile? file = store.Find(path) is { IsFresh: true } fresh ? fresh : null;
        Representation? representation = file?.Select(accepted);
        bool isHit = representation is not null;
        if (!isHit)
        {
            StaticFileAnswer answer = await FetchAsync(context, path);
            if (answer.Unkept is { } unkept && unkept.TryTake())
            {
                metrics.Missed();
                await unkept.WriteAsync(context);
                return true;
            }

            file = answer.File;
            representation = file?.Select(accepted);
        }

        if (representation is null)
        {
            metrics.Forwarded();
            return false;
        }

        if (isHit)
        {
            metrics.Hit();
        }
        else
        {
            metrics.Missed();
        }

        await WriteAsync(context, file!, representation);
        return true;
    }

    /// <remarks>
    /// `no-cache` of a browser's reload is ignored, as RFC 9111, section 5.2.1 allows: otherwise anyone could cause load at Paperless.
    /// </remarks>
    private static bool IsCacheableRequest(HttpContext context)
    {
        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        IHeaderDictionary headers = context.Request.Headers;
        return rawTarget.Length <= MaxPathLength && !rawTarget.AsSpan().ContainsAnyExcept(CacheKeyCharacters)
            && headers.IfMatch.Count == 0 && headers.IfUnmodifiedSince.Count == 0

            // Paperless cannot continue a representation that the gateway compressed: the response to If-Range is the whole file (RFC 9110, section 14.2).
            && (headers.Range.Count == 0 || headers.IfRange.Count > 0);
    }

    private async Task<StaticFileAnswer> FetchAsync(HttpContext context, string path)
    {
        Task<StaticFileAnswer> pendingFetch = fetch.GetAsync(path);
        UpstreamTiming? timing = pendingFetch.IsCompleted ? null : context.Features.Get<UpstreamTiming>();
        try
        {
            timing?.MarkSent();
            StaticFileAnswer answer = await pendingFetch.WaitAsync(limits.FetchTimeout, clock, context.RequestAborted);
            timing?.MarkAnswered();
            return answer;
        }
        catch (TimeoutException)
        {
            // Without an answer of Paperless, a stale file is served; without a stale file, the request is forwarded.
            return StaticFileAnswer.Of(store.Find(path) is { CanBeServedOnError: true } stale ? stale : null);
        }
    }

    private static Task WriteAsync(HttpContext context, CachedStaticFile file, Representation representation)
    {
        HttpResponse response = context.Response;
        IHeaderDictionary headers = response.Headers;
        Representation? cachedByClient = FindCachedByClient(context.Request.Headers, file, representation);
        foreach ((string name, StringValues value) in cachedByClient is null ? file.Headers : file.NotModifiedHeaders)
        {
            headers[name] = value;
        }

        headers.Age = ((int)file.Age.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        headers.ETag = (cachedByClient ?? representation).ETag;
        if (cachedByClient is not null)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        headers.ContentEncoding = representation.Coding;
        response.ContentLength = representation.Bytes.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return Task.CompletedTask;
        }

        byte[] bytes = representation.Bytes;
        return bytes.Length <= PieceBytes ? response.Body.WriteAsync(bytes, 0, bytes.Length) : WritePiecesAsync(response, bytes);
    }

    private static async Task WritePiecesAsync(HttpResponse response, byte[] bytes)
    {
        CancellationToken disconnected = response.HttpContext.RequestAborted;
        for (int at = 0; at < bytes.Length; at += PieceBytes)
        {
            await response.Body.WriteAsync(bytes.AsMemory(at, Math.Min(PieceBytes, bytes.Length - at)), disconnected);
        }
    }

    /// <summary>The representation that the client has cached and that is still valid, in any coding; null where the client needs a new one.</summary>
    private static Representation? FindCachedByClient(IHeaderDictionary request, CachedStaticFile file, Representation representation)
    {
        if (request.IfNoneMatch is { Count: > 0 } tags)
        {
            if (tags.Count == 1 && representation.ETag.Count == 1 && tags[0] == representation.ETag[0])
            {
                return representation;
            }

            return EntityTagHeaderValue.TryParseList(tags, out IList<EntityTagHeaderValue>? list) ? FindCachedByClient(list, file, representation) : null;
        }

        return request.IfModifiedSince is { Count: 1 } since && file.LastModified is { } modified
            && HeaderUtilities.TryParseDate(since[0], out DateTimeOffset date) && modified <= date
            ? representation
            : null;
    }

    private static Representation? FindCachedByClient(IList<EntityTagHeaderValue> tags, CachedStaticFile file, Representation representation)
    {
        if (tags.Contains(EntityTagHeaderValue.Any))
        {
            return representation;
        }

        foreach (Representation? candidate in (ReadOnlySpan<Representation?>)[representation, file.Brotli, file.Gzip, file.Identity])
        {
            if (candidate is { ETag.Count: 1 } && EntityTagHeaderValue.TryParse(candidate.ETag[0], out EntityTagHeaderValue? tag)
                && tags.Any(given => given.Compare(tag, useStrongComparison: false)))
            {
                return candidate;
            }
        }

        return null;
    }
}
