using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>A file's bytes in one coding.</summary>
/// <param name="Coding">For `Content-Encoding`; empty: as Paperless gave them.</param>
/// <param name="ETag">Empty where Paperless sends none.</param>
internal sealed record FileCopy(byte[] Bytes, StringValues Coding, StringValues ETag);

/// <summary>One of Paperless's static files as it is served from memory; every header value is made once. Nothing in it changes but its use.</summary>
internal sealed class StaticFile
{
    private const string Year = "public, max-age=31536000, immutable";

    /// <summary>The object itself, its arrays, its place in the store; generously.</summary>
    private const long Overhead = 2048;

    /// <summary>Smaller ones fit into a packet or two, whatever is done to them.</summary>
    private const int SmallestCompressed = 1024;

    private readonly TimeProvider _clock;
    private readonly IHeaderDictionary _received;
    private readonly CacheTerms _terms;
    private readonly long _receivedAt;

    /// <param name="received">Paperless's headers without those of the connection; kept, not copied.</param>
    /// <param name="receivedAt">The clock's timestamp from before the request, so that the age is never too low.</param>
    public StaticFile(string path, IHeaderDictionary received, CacheTerms terms, long receivedAt, TimeProvider clock, byte[] content)
    {
        Path = path;
        _clock = clock;
        _received = received;
        _terms = terms;
        _receivedAt = receivedAt;
        IsCompressible = terms.MayTransform && content.Length >= SmallestCompressed && ShrinksWell(received.ContentType);
        LastModified = Microsoft.Net.Http.Headers.HeaderUtilities.TryParseDate(received.LastModified.ToString(), out DateTimeOffset modified) ? modified : null;
        Identity = new FileCopy(content, StringValues.Empty, received.ETag);
        NotModifiedHeaders = [.. Answered(received).Where(
            header => !header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || IsAboutTheAnswer(header.Key))];
        Headers =
        [
            .. Answered(received).Where(header => !IsAboutTheAnswer(header.Key) && header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)),
            .. NotModifiedHeaders,
        ];
    }

    private StaticFile(StaticFile same, FileCopy? gzip, FileCopy? brotli)
        : this(same.Path, same._received, same._terms, same._receivedAt, same._clock, same.Identity.Bytes)
    {
        Gzip = gzip;
        Brotli = brotli;
        LastUsed = same.LastUsed;
    }

    /// <summary>Below the script name; it has no escapes and no query.</summary>
    public string Path { get; }

    public FileCopy Identity { get; }

    /// <summary>A quick one at first, the best one later.</summary>
    public FileCopy? Gzip { get; private init; }

    public FileCopy? Brotli { get; private init; }

    public bool IsCompressible { get; }

    public DateTimeOffset? LastModified { get; }

    /// <summary>Of a 200, but for what depends on the copy or on the time.</summary>
    public KeyValuePair<string, StringValues>[] Headers { get; }

    public KeyValuePair<string, StringValues>[] NotModifiedHeaders { get; }

    /// <summary>For the store: which one went unused for longest.</summary>
    public long LastUsed { get; set; }

    /// <summary>When Paperless, which did not answer, is asked again; the clock's timestamp, 0 while it does answer.</summary>
    public long AskAgainAt { get; set; }

    public StringValues ETag => _received.ETag;

    public TimeSpan Age => _terms.InitialAge + _clock.GetElapsedTime(_receivedAt);

    public bool IsFresh => Age < _terms.Lifetime;

    public bool MayBeServedOnError => Age < _terms.Lifetime + _terms.StaleOnError;

    /// <summary>Bytes that it holds: all its copies, and its header values at two bytes a letter.</summary>
    public long Cost => Overhead + Identity.Bytes.Length + (Gzip?.Bytes.Length ?? 0) + (Brotli?.Bytes.Length ?? 0)
        + (2L * (Path.Length + _received.Sum(header => header.Key.Length + header.Value.Sum(value => value?.Length ?? 0))));

    /// <summary>The same file with another compressed copy.</summary>
    /// <param name="level">Goes into the entity tag: other bytes have another one (RFC 9110, section 8.8.3).</param>
    public StaticFile With(string coding, string level, byte[] bytes)
    {
        FileCopy copy = new(bytes, coding, Tag(_received.ETag, level));
        return coding == "br" ? new StaticFile(this, Gzip, copy) : new StaticFile(this, copy, Brotli);
    }

    /// <summary>The same file after a 304, whose headers replace those of before (RFC 9111, section 3.2); null where they forbid to keep it.</summary>
    public StaticFile? Refreshed(IHeaderDictionary notModified, long receivedAt)
    {
        bool another = notModified.ETag.Count > 0 && Opaque(notModified.ETag.ToString()) != Opaque(ETag.ToString());
        HeaderDictionary merged = [];
        foreach ((string name, StringValues value) in _received.Where(header => header.Key != "Age"))
        {
            merged[name] = value;
        }

        foreach ((string name, StringValues value) in notModified.Where(
            header => !header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || IsAboutTheAnswer(header.Key)))
        {
            merged[name] = value;
        }

        return !another && CacheTerms.Of(merged) is { } terms
            ? new StaticFile(Path, merged, terms, receivedAt, _clock, Identity.Bytes)
            {
                Gzip = Retagged(Gzip, merged),
                Brotli = Retagged(Brotli, merged),
                LastUsed = LastUsed
            }
            : null;
    }

    /// <summary>The copy that the client wants most; null where it takes none of them.</summary>
    public FileCopy? For(AcceptedCodings accepted)
    {
        FileCopy? best = Brotli is not null && accepted.Brotli > 0 ? Brotli : null;
        int weight = best is null ? 0 : accepted.Brotli;
        if (Gzip is not null && accepted.Gzip > weight)
        {
            best = Gzip;
            weight = accepted.Gzip;
        }

        return accepted.Identity > weight ? Identity : best;
    }

    private static string Opaque(string tag) => tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;

    private static StringValues Tag(StringValues tag, string level) =>
        tag.Count == 1 && tag[0] is { Length: > 1 } text && text[^1] == '"'
            ? string.Concat(text.AsSpan(0, text.Length - 1), "-", level, "\"")
            : StringValues.Empty;

    /// <summary>A 304 may bring the tag in its other strength, weak or strong.</summary>
    private static FileCopy? Retagged(FileCopy? copy, IHeaderDictionary headers)
    {
        if (copy?.ETag.ToString() is not { Length: > 0 } tag)
        {
            return copy;
        }

        string level = tag[(tag.LastIndexOf('-') + 1)..^1];
        return copy with { ETag = Tag(headers.ETag, level) };
    }

    /// <summary>Security headers that begin like those of a body.</summary>
    private static bool IsAboutTheAnswer(string name) =>
        name.StartsWith("Content-Security-Policy", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Location", StringComparison.OrdinalIgnoreCase);

    private IEnumerable<KeyValuePair<string, StringValues>> Answered(IHeaderDictionary received)
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
        if (!_terms.MayBeImmutable || !HashedName.IsHashed(Path))
        {
            return received.CacheControl;
        }

        return _terms.MayTransform ? Year : Year + ", no-transform";
    }

    private static bool ShrinksWell(StringValues contentType) =>
        MediaTypeHeaderValue.TryParse(contentType.ToString(), out MediaTypeHeaderValue? type) && type.MediaType?.ToLowerInvariant() is { } name
        && (name.StartsWith("text/", StringComparison.Ordinal) || name.EndsWith("+json", StringComparison.Ordinal)
            || name.EndsWith("+xml", StringComparison.Ordinal)
            || name is "application/javascript" or "application/x-javascript" or "application/json" or "application/xml" or "application/wasm"
                or "font/ttf" or "font/otf" or "application/x-font-ttf" or "application/vnd.ms-fontobject"
                or "image/x-icon" or "image/vnd.microsoft.icon" or "image/bmp");
}
