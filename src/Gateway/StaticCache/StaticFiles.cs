using System.Buffers;
using System.Globalization;
using Gateway.Paperless;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.StaticCache;

/// <summary>
/// Answers for Paperless's static files, the same for everybody, from memory. What is not plainly one of them, or may not be kept, is
/// forwarded as everything else.
/// </summary>
internal sealed class StaticFiles(StaticFileStore store, StaticFileFetch fetch, StaticFileLimits limits, TimeProvider clock)
{
    private const string Prefix = "/static/";
    private const int LongestPath = 512;

    /// <summary>More than this goes out piece by piece, as the client takes it: Kestrel would copy all of it at once.</summary>
    private const int Piece = 64 * 1024;

    /// <summary>No escape: each file has one spelling here, and no room for others. No query: it may mean something.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~@+");

    public static bool Has(PathString path) => path.Value!.StartsWith(Prefix, StringComparison.Ordinal);

    /// <returns>False where nothing was answered: the request is to be forwarded.</returns>
    public async Task<bool> TryAnswerAsync(HttpContext context)
    {
        if (!IsPlain(context))
        {
            return false;
        }

        AcceptedCodings accepted = AcceptedCodings.Of(context.Request.Headers.AcceptEncoding);
        string path = context.Request.Path.Value!;
        StaticFile? file = store.Find(path) is { IsFresh: true } fresh ? fresh : null;
        FileCopy? copy = file?.For(accepted);
        if (copy is null)
        {
            file = await FetchAsync(context, path);
            copy = file?.For(accepted);
        }

        if (copy is null)
        {
            return false;
        }

        await WriteAsync(context, file!, copy);
        return true;
    }

    /// <remarks>
    /// `no-cache` of a browser's reload is not listened to, as RFC 9111, section 5.2.1 lets it be: everybody could make Paperless work with it.
    /// </remarks>
    private static bool IsPlain(HttpContext context)
    {
        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        IHeaderDictionary headers = context.Request.Headers;
        return rawTarget.Length <= LongestPath && !rawTarget.AsSpan().ContainsAnyExcept(Plain)
            && headers.IfMatch.Count == 0 && headers.IfUnmodifiedSince.Count == 0

            // The rest of a copy that was made here is not Paperless's to give: then the whole file is the answer (RFC 9110, section 14.2).
            && (headers.Range.Count == 0 || headers.IfRange.Count > 0);
    }

    private async Task<StaticFile?> FetchAsync(HttpContext context, string path)
    {
        Task<StaticFile?> flight = fetch.FileAsync(path);
        UpstreamTiming? timing = flight.IsCompleted ? null : context.Features.Get<UpstreamTiming>();
        try
        {
            timing?.MarkSent();
            StaticFile? file = await flight.WaitAsync(limits.Wait, clock, context.RequestAborted);
            timing?.MarkAnswered();
            return file;
        }
        catch (TimeoutException)
        {
            // An old copy serves when Paperless does not answer; without one the request goes to Paperless by itself.
            return store.Find(path) is { MayBeServedOnError: true } stale ? stale : null;
        }
    }

    private static Task WriteAsync(HttpContext context, StaticFile file, FileCopy copy)
    {
        HttpResponse response = context.Response;
        IHeaderDictionary headers = response.Headers;
        FileCopy? had = Had(context.Request.Headers, file, copy);
        foreach ((string name, StringValues value) in had is null ? file.Headers : file.NotModifiedHeaders)
        {
            headers[name] = value;
        }

        headers.Age = ((int)file.Age.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        headers.ETag = (had ?? copy).ETag;
        if (had is not null)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        headers.ContentEncoding = copy.Coding;
        response.ContentLength = copy.Bytes.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return Task.CompletedTask;
        }

        return copy.Bytes.Length <= Piece ? response.Body.WriteAsync(copy.Bytes, 0, copy.Bytes.Length) : WritePiecesAsync(response, copy.Bytes);
    }

    private static async Task WritePiecesAsync(HttpResponse response, byte[] bytes)
    {
        CancellationToken gone = response.HttpContext.RequestAborted;
        for (int at = 0; at < bytes.Length; at += Piece)
        {
            await response.Body.WriteAsync(bytes.AsMemory(at, Math.Min(Piece, bytes.Length - at)), gone);
        }
    }

    /// <summary>The copy that the client has and that is still good, in whatever coding it was; null where it needs one.</summary>
    private static FileCopy? Had(IHeaderDictionary request, StaticFile file, FileCopy copy)
    {
        if (request.IfNoneMatch is { Count: > 0 } tags)
        {
            if (tags.Count == 1 && copy.ETag.Count == 1 && tags[0] == copy.ETag[0])
            {
                return copy;
            }

            return EntityTagHeaderValue.TryParseList(tags, out IList<EntityTagHeaderValue>? list) ? Had(list, file, copy) : null;
        }

        return request.IfModifiedSince is { Count: 1 } since && file.LastModified is { } modified
            && HeaderUtilities.TryParseDate(since[0], out DateTimeOffset date) && modified <= date
            ? copy
            : null;
    }

    private static FileCopy? Had(IList<EntityTagHeaderValue> tags, StaticFile file, FileCopy copy)
    {
        if (tags.Contains(EntityTagHeaderValue.Any))
        {
            return copy;
        }

        foreach (FileCopy? one in (ReadOnlySpan<FileCopy?>)[copy, file.Brotli, file.Gzip, file.Identity])
        {
            if (one is { ETag.Count: 1 } && EntityTagHeaderValue.TryParse(one.ETag[0], out EntityTagHeaderValue? tag)
                && tags.Any(given => given.Compare(tag, useStrongComparison: false)))
            {
                return one;
            }
        }

        return null;
    }
}
