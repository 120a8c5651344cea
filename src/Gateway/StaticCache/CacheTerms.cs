using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>How long a static file is fresh, and whether it may be stored at all, by the headers of the response (RFC 9111).</summary>
/// <param name="Lifetime">The freshness lifetime; an older file is revalidated.</param>
/// <param name="InitialAge">The `Age` of the response.</param>
/// <param name="StaleIfError">How long a stale file is served while Paperless does not answer.</param>
/// <param name="CanTransform">False for `no-transform`: the gateway must not compress the file.</param>
/// <param name="CanBeImmutable">False where the response requires revalidation.</param>
internal sealed record CacheTerms(TimeSpan Lifetime, TimeSpan InitialAge, TimeSpan StaleIfError, bool CanTransform, bool CanBeImmutable)
{
    /// <summary>
    /// RFC 9111, section 4.2.4 allows a cache that cannot reach the origin to serve a stale response, unless the response must be revalidated.
    /// Ten minutes cover a restart or an update of Paperless; an older file could belong to another version.
    /// </summary>
    private static readonly TimeSpan DefaultStaleIfError = TimeSpan.FromMinutes(10);

    /// <summary>The limit of `stale-if-error` (RFC 5861).</summary>
    private static readonly TimeSpan MaxStaleIfError = TimeSpan.FromDays(1);

    /// <returns>Null where the response must not be stored.</returns>
    public static CacheTerms? From(IHeaderDictionary headers)
    {
        if (headers.SetCookie.Count > 0 || !VariesOnlyByCoding(headers.Vary) || !IsIdentity(headers.ContentEncoding)
            || !CacheControlHeaderValue.TryParse(headers.CacheControl.ToString(), out CacheControlHeaderValue? control))
        {
            return null;
        }

        TimeSpan lifetime = control.SharedMaxAge ?? control.MaxAge ?? TimeSpan.Zero;
        TimeSpan age = Seconds(headers.Age) ?? TimeSpan.Zero;
        if (!control.Public || control.NoStore || control.NoCache || control.Private || lifetime <= age)
        {
            return null;
        }

        // s-maxage implies proxy-revalidate (section 5.2.2.10).
        bool mustRevalidate = control.MustRevalidate || control.ProxyRevalidate || control.SharedMaxAge is not null;
        return new CacheTerms(
            lifetime,
            age,
            mustRevalidate ? TimeSpan.Zero : ReadStaleIfError(control) ?? DefaultStaleIfError,
            CanTransform: !control.NoTransform,
            CanBeImmutable: !mustRevalidate);
    }

    /// <summary>Whether an answer that must not be stored is the same for every client, so that it may go to one that did not ask for it itself.</summary>
    public static bool IsForAnyClient(IHeaderDictionary headers) =>
        headers.SetCookie.Count == 0 && VariesOnlyByCoding(headers.Vary) && IsIdentity(headers.ContentEncoding)
        && !headers.CacheControl.ToString().Contains("private", StringComparison.OrdinalIgnoreCase);

    private static bool VariesOnlyByCoding(StringValues vary)
    {
        foreach (string? line in vary)
        {
            foreach (string name in (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!name.Equals("Accept-Encoding", StringComparison.OrdinalIgnoreCase))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static bool IsIdentity(StringValues coding) =>
        coding.Count == 0 || (coding.Count == 1 && string.Equals(coding[0], "identity", StringComparison.OrdinalIgnoreCase));

    private static TimeSpan? ReadStaleIfError(CacheControlHeaderValue control)
    {
        foreach (NameValueHeaderValue extension in control.Extensions)
        {
            if (extension.Name.Equals("stale-if-error", StringComparison.OrdinalIgnoreCase))
            {
                TimeSpan given = Seconds(extension.Value?.Trim('"')) ?? TimeSpan.Zero;
                return given < MaxStaleIfError ? given : MaxStaleIfError;
            }
        }

        return null;
    }

    /// <summary>A number that overflows counts as the largest one (section 1.2.2); null for other text.</summary>
    private static TimeSpan? Seconds(StringValues value)
    {
        string? text = value.Count == 0 ? null : value[0];
        return string.IsNullOrEmpty(text) || text.AsSpan().ContainsAnyExceptInRange('0', '9') ? null
            : TimeSpan.FromSeconds(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) ? seconds : int.MaxValue);
    }
}
