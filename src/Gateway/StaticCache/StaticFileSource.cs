using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Gateway.Paperless;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>
/// Asks Paperless for a static file, and keeps it where it may be kept. The request contains nothing from a client, so that no client can influence the
/// response for others.
/// </summary>
internal sealed class StaticFileSource(
    UpstreamClient paperless,
    StaticFileStore store,
    StaticFileCompression compression,
    StaticFileLimits limits,
    TimeProvider clock)
{
    private const string Brotli = CachedStaticFile.BrotliCoding;

    /// <summary>A larger answer that must not be kept is read by the request itself, from a second answer of Paperless.</summary>
    private const int MaxUnkeptBytes = 1024 * 1024;

    /// <summary>Hop-by-hop headers (RFC 9110, section 7.6.1), and headers that the gateway sets itself.</summary>
    private static readonly FrozenSet<string> UncachedHeaders = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Alt-Svc", "Content-Length",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <param name="stale">The file that may be unchanged; null where there is none.</param>
    /// <param name="epoch">The store's, before the question.</param>
    /// <exception cref="UpstreamUnavailableException">Paperless gives no answer, or one of its failures.</exception>
    public async Task<StaticFileAnswer> AskAsync(string path, CachedStaticFile? stale, int epoch, CancellationToken cancel)
    {
        long sentAt = clock.GetTimestamp();
        using HttpResponseMessage response = await SendAsync(path, stale, cancel);
        switch (response.StatusCode)
        {
            case HttpStatusCode.NotModified when stale is not null:
                IHeaderDictionary newHeaders = CacheableHeaders(response);
                CachedStaticFile? revalidated = store.Restore(path, stale, epoch, cached => cached.Revalidated(newHeaders, sentAt));
                return StaticFileAnswer.Of(revalidated is { IsFresh: true } ? revalidated : null);

            case HttpStatusCode.OK:
                return await ReadAsync(path, response, sentAt, epoch, cancel);

            // RFC 5861, section 4 treats these statuses as errors.
            case HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout:
                string asked = response.RequestMessage?.RequestUri is { } address ? PaperlessFailureText.AddressOf(address) : path;
                throw new UpstreamUnavailableException($"{asked} answered {(int)response.StatusCode}", PaperlessFault.ErrorStatus, cause: null);

            default:
                return StaticFileAnswer.None;
        }
    }

    private Task<HttpResponseMessage> SendAsync(string path, CachedStaticFile? stale, CancellationToken cancel)
    {
        // Paperless has its files in brotli. The gateway decodes them once, and need not compress them for the first browser.
        List<(string Name, string Value)> headers = [("Accept-Encoding", Brotli)];
        if (stale?.LastModified is { } modified)
        {
            headers.Add(("If-Modified-Since", modified.ToString("R", CultureInfo.InvariantCulture)));
        }

        headers.AddRange((stale?.ETag ?? default).OfType<string>().Select(tag => ("If-None-Match", tag)));
        return paperless.OpenAsync(new UpstreamRequest(HttpMethod.Get, path, Timeout.InfiniteTimeSpan) { Headers = headers }, cancel);
    }

    private async Task<StaticFileAnswer> ReadAsync(string path, HttpResponseMessage response, long sentAt, int epoch, CancellationToken cancel)
    {
        IHeaderDictionary headers = CacheableHeaders(response);
        if (response.Content.Headers.ContentLength is not { } length || length > limits.MaxFileBytes)
        {
            return StaticFileAnswer.None;
        }

        bool isBrotli = headers.ContentEncoding == Brotli;
        if (isBrotli)
        {
            headers.Remove("Content-Encoding");
        }

        IconLifetime.Apply(path, headers);
        CacheTerms? terms = CacheTerms.From(headers);
        if (terms is null && (isBrotli || length > MaxUnkeptBytes || !CacheTerms.IsForAnyClient(headers)))
        {
            return StaticFileAnswer.None;
        }

        // The file and its fast compression.
        using StaticFileMemory memory = new(store);
        if (!memory.TryTake(2 * length))
        {
            return StaticFileAnswer.None;
        }

        byte[] received = new byte[length];
        await using Stream body = await response.Content.ReadAsStreamAsync(cancel);
        await body.ReadExactlyAsync(received, cancel);
        if (terms is null)
        {
            return new StaticFileAnswer(null, new UnkeptAnswer([.. headers], received));
        }

        if ((isBrotli ? StaticFileCompression.Decode(received, limits.MaxFileBytes, memory) : received) is not { } content)
        {
            return StaticFileAnswer.None;
        }

        if (headers.ETag.Count + headers.LastModified.Count == 0)
        {
            headers.ETag = $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"";
        }

        CachedStaticFile file = new(path, headers, terms, sentAt, clock, content);
        file = isBrotli ? file.WithReceivedBrotli(received) : StaticFileCompression.WithFastGzip(file);
        memory.Keep(file, epoch);
        compression.Enqueue(file);
        return StaticFileAnswer.Of(file);
    }

    private static HeaderDictionary CacheableHeaders(HttpResponseMessage response)
    {
        HeaderDictionary cacheable = [];
        foreach ((string name, HeaderStringValues values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            if (!UncachedHeaders.Contains(name) && !response.Headers.Connection.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                cacheable[name] = new StringValues([.. values]);
            }
        }

        return cacheable;
    }
}
