using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>The bytes of a file in one content coding.</summary>
/// <param name="Coding">The value of `Content-Encoding`; empty for the bytes from Paperless.</param>
/// <param name="ETag">Empty where Paperless sends none.</param>
internal sealed record Representation(byte[] Bytes, StringValues Coding, StringValues ETag);

/// <summary>A cached static file of Paperless with its precomputed response headers. Only the bookkeeping of its use changes.</summary>
internal sealed class CachedStaticFile
{
    public const string BrotliCoding = "br";

    private const string ImmutableForAYear = "public, max-age=31536000, immutable";

    /// <summary>A generous estimate for the object, its arrays and its entry in the store.</summary>
    private const long OverheadBytes = 2048;

    /// <summary>So many refreshes after the last use.</summary>
    private const int LatelyWanted = 4;

    /// <summary>Smaller files fit into one or two packets even uncompressed.</summary>
    private const int MinCompressedBytes = 1024;

    private readonly TimeProvider _clock;
    private readonly IHeaderDictionary _received;
    private readonly CacheTerms _terms;
    private readonly long _receivedAt;

    /// <param name="received">Paperless's headers without hop-by-hop headers; not copied.</param>
    /// <param name="receivedAt">The timestamp before the request, so that the age is never too low.</param>
    public CachedStaticFile(string path, IHeaderDictionary received, CacheTerms terms, long receivedAt, TimeProvider clock, byte[] content)
    {
        Path = path;
        _clock = clock;
        _received = received;
        _terms = terms;
        _receivedAt = receivedAt;
        IsCompressible = terms.CanTransform && content.Length >= MinCompressedBytes && IsCompressibleType(received.ContentType);
        LastModified = Microsoft.Net.Http.Headers.HeaderUtilities.TryParseDate(received.LastModified.ToString(), out DateTimeOffset modified) ? modified : null;
        Identity = new Representation(content, StringValues.Empty, received.ETag);
        NotModifiedHeaders = [.. ResponseHeaders(received).Where(
            header => !header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || IsResponseHeader(header.Key))];
        Headers =
        [
            .. ResponseHeaders(received).Where(
                header => !IsResponseHeader(header.Key) && header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)),
            .. NotModifiedHeaders,
        ];
    }

    private CachedStaticFile(CachedStaticFile same, Representation? gzip, Representation? brotli)
        : this(same.Path, same._received, same._terms, same._receivedAt, same._clock, same.Identity.Bytes)
    {
        Gzip = gzip;
        Brotli = brotli;
        LastUsed = same.LastUsed;
        UnusedRefreshes = same.UnusedRefreshes;
    }

    /// <summary>The path below the script name, without escapes and query.</summary>
    public string Path { get; }

    public Representation Identity { get; }

    /// <summary>Compressed fast at first; the background compression replaces it with a smaller one.</summary>
    public Representation? Gzip { get; private init; }

    public Representation? Brotli { get; private init; }

    public bool IsCompressible { get; }

    /// <summary>A compressed representation above nine tenths of the size is not worth its memory.</summary>
    public int MaxCompressedLength => Identity.Bytes.Length - (Identity.Bytes.Length / 10);

    public DateTimeOffset? LastModified { get; }

    /// <summary>The headers of a 200, except those that depend on the representation or the time.</summary>
    public KeyValuePair<string, StringValues>[] Headers { get; }

    public KeyValuePair<string, StringValues>[] NotModifiedHeaders { get; }

    /// <summary>The timestamp of the last use, for the eviction.</summary>
    public long LastUsed { get; set; }

    /// <summary>The refreshes since the last use.</summary>
    public int UnusedRefreshes { get; set; }

    /// <summary>The timestamp of the next request to Paperless after a missing answer; 0 while Paperless answers.</summary>
    public long RetryAt { get; set; }

    public StringValues ETag => _received.ETag;

    public TimeSpan Age => _terms.InitialAge + _clock.GetElapsedTime(_receivedAt);

    public bool IsFresh => Age < _terms.Lifetime;

    /// <summary>
    /// Whether it is time to ask Paperless about the file, while it is fresh: in its last quarter; after its first quarter where somebody wanted it lately,
    /// because a browser keeps it for the rest of its lifetime only.
    /// </summary>
    /// <param name="minLeft">At least so long before the end.</param>
    public bool IsDue(TimeSpan minLeft)
    {
        TimeSpan quarter = _terms.Lifetime / 4;
        TimeSpan left = _terms.Lifetime - Age;
        return left > TimeSpan.Zero && (left < minLeft || left < quarter || (Age > quarter && UnusedRefreshes < LatelyWanted));
    }

    public bool CanBeServedOnError => Age < _terms.Lifetime + _terms.StaleIfError;

    /// <summary>The memory of the file: all representations, and the headers with two bytes a character.</summary>
    public long Cost => OverheadBytes + Identity.Bytes.Length + (Gzip?.Bytes.Length ?? 0) + (Brotli?.Bytes.Length ?? 0)
        + (2L * (Path.Length + _received.Sum(header => header.Key.Length + header.Value.Sum(value => value?.Length ?? 0))));

    /// <summary>The same file with the compressed representation of Paperless, unless it saves too little.</summary>
    public CachedStaticFile WithReceivedBrotli(byte[] bytes) =>
        IsCompressible && bytes.Length <= MaxCompressedLength ? With(BrotliCoding, BrotliCoding, bytes) : this;

    /// <summary>The same file with another compressed representation.</summary>
    /// <param name="level">A suffix of the entity tag: different bytes need different tags (RFC 9110, section 8.8.3).</param>
    public CachedStaticFile With(string coding, string level, byte[] bytes)
    {
        Representation representation = new(bytes, coding, Tag(_received.ETag, level));
        return coding == BrotliCoding ? new CachedStaticFile(this, Gzip, representation) : new CachedStaticFile(this, representation, Brotli);
    }

    /// <summary>The same file with the headers of a 304 (RFC 9111, section 3.2); null where they forbid storing the file.</summary>
    public CachedStaticFile? Revalidated(IHeaderDictionary notModified, long receivedAt)
    {
        bool hasOtherTag = notModified.ETag.Count > 0 && OpaqueTag(notModified.ETag.ToString()) != OpaqueTag(ETag.ToString());
        HeaderDictionary merged = [];
        foreach ((string name, StringValues value) in _received.Where(header => header.Key != "Age"))
        {
            merged[name] = value;
        }

        foreach ((string name, StringValues value) in notModified.Where(
            header => !header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || IsResponseHeader(header.Key)))
        {
            merged[name] = value;
        }

        return !hasOtherTag && CacheTerms.From(merged) is { } terms
            ? new CachedStaticFile(Path, merged, terms, receivedAt, _clock, Identity.Bytes)
            {
                Gzip = Retagged(Gzip, merged),
                Brotli = Retagged(Brotli, merged),
                LastUsed = LastUsed,
                UnusedRefreshes = UnusedRefreshes,
            }
            : null;
    }

    /// <summary>The representation that the client prefers; null where the client accepts none.</summary>
    public Representation? Select(AcceptedCodings accepted)
    {
        Representation? best = Brotli is not null && accepted.Brotli > 0 ? Brotli : null;
        double weight = best is null ? 0 : accepted.Brotli;
        if (Gzip is not null && accepted.Gzip > weight)
        {
            best = Gzip;
            weight = accepted.Gzip;
        }

        return accepted.Identity > weight ? Identity : best;
    }

    private static string OpaqueTag(string tag) => tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;

    private static StringValues Tag(StringValues tag, string level) =>
        tag.Count == 1 && tag[0] is { Length: > 1 } text && text[^1] == '"'
            ? string.Concat(text.AsSpan(0, text.Length - 1), "-", level, "\"")
            : StringValues.Empty;

    /// <summary>The tag of a 304 may be weak where the tag of the 200 was strong, and vice versa.</summary>
    private static Representation? Retagged(Representation? representation, IHeaderDictionary headers)
    {
        if (representation?.ETag.ToString() is not { Length: > 0 } tag)
        {
            return representation;
        }

        string level = tag[(tag.LastIndexOf('-') + 1)..^1];
        return representation with { ETag = Tag(headers.ETag, level) };
    }

    /// <summary>Response headers with the prefix of representation headers.</summary>
    private static bool IsResponseHeader(string name) =>
        name.StartsWith("Content-Security-Policy", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Location", StringComparison.OrdinalIgnoreCase);

    private IEnumerable<KeyValuePair<string, StringValues>> ResponseHeaders(IHeaderDictionary received)
    {
        foreach ((string name, StringValues value) in received)
        {
            if (name is not ("Age" or "ETag" or "Content-Encoding" or "Vary" or "Cache-Control"))
            {
                yield return KeyValuePair.Create(name, value);
            }
        }

        yield return KeyValuePair.Create("Cache-Control", CacheControl(received));
        if (IsCompressible || received.Vary.Count > 0)
        {
            yield return KeyValuePair.Create<string, StringValues>("Vary", "Accept-Encoding");
        }
    }

    private StringValues CacheControl(IHeaderDictionary received)
    {
        if (!_terms.CanBeImmutable || !HashedName.IsHashed(Path))
        {
            return received.CacheControl;
        }

        return _terms.CanTransform ? ImmutableForAYear : ImmutableForAYear + ", no-transform";
    }

    private static bool IsCompressibleType(StringValues contentType) =>
        MediaTypeHeaderValue.TryParse(contentType.ToString(), out MediaTypeHeaderValue? type) && type.MediaType?.ToLowerInvariant() is { } name
        && (name.StartsWith("text/", StringComparison.Ordinal) || name.EndsWith("+json", StringComparison.Ordinal)
            || name.EndsWith("+xml", StringComparison.Ordinal)
            || name is "application/javascript" or "application/x-javascript" or "application/json" or "application/xml" or "application/wasm"
                or "font/ttf" or "font/otf" or "application/x-font-ttf" or "application/vnd.ms-fontobject"
                or "image/x-icon" or "image/vnd.microsoft.icon" or "image/bmp");
}
