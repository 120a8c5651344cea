using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>What the headers of an answer allow a cache that serves everybody (RFC 9111).</summary>
/// <param name="Lifetime">How old it may get before Paperless is asked again.</param>
/// <param name="InitialAge">How old it was when it came.</param>
/// <param name="StaleOnError">How much older it may get while Paperless does not answer.</param>
/// <param name="MayTransform">False for `no-transform`: no coding of the gateway's own.</param>
/// <param name="MayBeImmutable">False where Paperless wants to be asked.</param>
internal sealed record CacheTerms(TimeSpan Lifetime, TimeSpan InitialAge, TimeSpan StaleOnError, bool MayTransform, bool MayBeImmutable)
{
    /// <summary>
    /// RFC 9111, section 4.2.4 lets a cache that cannot reach the origin serve what is stale, unless it must revalidate. Ten minutes are a
    /// restart or an update of Paperless; a file that is older than that would rather be missed than belong to another version.
    /// </summary>
    private static readonly TimeSpan StaleWhereNothingIsSaid = TimeSpan.FromMinutes(10);

    /// <summary>`stale-if-error` (RFC 5861) says it itself, up to here.</summary>
    private static readonly TimeSpan LongestStale = TimeSpan.FromDays(1);

    /// <returns>Null where it must not be kept.</returns>
    public static CacheTerms? Of(IHeaderDictionary headers)
    {
        if (headers.SetCookie.Count > 0 || !VariesByCodingAtMost(headers.Vary) || !IsIdentity(headers.ContentEncoding)
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

        // s-maxage means proxy-revalidate, too (section 5.2.2.10).
        bool mustAsk = control.MustRevalidate || control.ProxyRevalidate || control.SharedMaxAge is not null;
        return new CacheTerms(
            lifetime,
            age,
            mustAsk ? TimeSpan.Zero : StaleIfError(control) ?? StaleWhereNothingIsSaid,
            MayTransform: !control.NoTransform,
            MayBeImmutable: !mustAsk);
    }

    private static bool VariesByCodingAtMost(StringValues vary)
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

    private static TimeSpan? StaleIfError(CacheControlHeaderValue control)
    {
        foreach (NameValueHeaderValue extension in control.Extensions)
        {
            if (extension.Name.Equals("stale-if-error", StringComparison.OrdinalIgnoreCase))
            {
                TimeSpan said = Seconds(extension.Value?.Trim('"')) ?? TimeSpan.Zero;
                return said < LongestStale ? said : LongestStale;
            }
        }

        return null;
    }

    /// <summary>A number too large to read is a long time all the same (section 1.2.2); what is no number is none.</summary>
    private static TimeSpan? Seconds(StringValues value)
    {
        string? text = value.Count == 0 ? null : value[0];
        return string.IsNullOrEmpty(text) || text.AsSpan().ContainsAnyExceptInRange('0', '9') ? null
            : TimeSpan.FromSeconds(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) ? seconds : int.MaxValue);
    }
}
