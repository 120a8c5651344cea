using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Gateway.Forwarding;

/// <summary>
/// Keeps private responses out of shared caches (RFC 9111, section 5.2.2.7), also out of caches that decide by the file extension
/// (`/api/trash/x.css` is no style sheet). Paperless's caching directives become stricter, never laxer.
/// </summary>
internal static class PrivateCaching
{
    public static readonly StringValues NoStore = "no-store";

    private static readonly StringValues PrivateNoStore = "private, no-store";
    private static readonly StringValues PrivateNoCache = "private, no-cache";
    private static readonly StringValues VaryCookie = "Cookie";
    private static readonly StringValues VaryAuthorization = "Authorization";

    /// <summary>Headers for shared caches only, besides every name that ends in `Cache-Control` (RFC 9213, section 2.2).</summary>
    private static readonly string[] SharedCacheHeaders = ["Surrogate-Control", "Edge-Control", "X-Accel-Expires"];

    /// <param name="headers">The headers of the response to the browser, a copy of <paramref name="received"/>.</param>
    /// <param name="received">Paperless's headers; iterating them does not allocate.</param>
    /// <param name="varyHeader">The request header on which the response depends.</param>
    public static void Apply(IHeaderDictionary headers, HttpHeadersNonValidated received, string varyHeader)
    {
        foreach ((string name, HeaderStringValues _) in received)
        {
            if (IsSharedCacheHeader(name))
            {
                headers.Remove(name);
            }
        }

        StringValues control = headers.CacheControl;
        StringValues restricted = control.Count == 0 ? DefaultControl(headers) : Restrict(control, headers.Expires.Count + headers.Pragma.Count > 0);
        if (restricted != control)
        {
            headers.CacheControl = restricted;
        }

        // HTTP/1.0 caches know only these headers.
        if (headers.Expires.Count > 0)
        {
            headers.Expires = default;
        }

        if (headers.Pragma.Count > 0)
        {
            headers.Pragma = default;
        }

        if (restricted != PrivateNoStore && !Names(headers.Vary, varyHeader))
        {
            StringValues vary = varyHeader == "Cookie" ? VaryCookie : VaryAuthorization;
            headers.Vary = headers.Vary.Count == 0 ? vary : StringValues.Concat(headers.Vary, vary);
        }
    }

    private static bool IsSharedCacheHeader(string name)
    {
        const string control = "Cache-Control";
        if (name.Length > control.Length && name.EndsWith(control, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        foreach (string other in SharedCacheHeaders)
        {
            if (name.Equals(other, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>With a validator the browser may store the response and must revalidate it each time.</summary>
    private static StringValues DefaultControl(IHeaderDictionary headers) =>
        headers.ETag.Count + headers.LastModified.Count + headers.Expires.Count + headers.Pragma.Count > 0 ? PrivateNoCache : PrivateNoStore;

    /// <param name="hasLegacyHeaders">Whether the response has `Expires` or `Pragma`, too.</param>
    private static StringValues Restrict(StringValues control, bool hasLegacyHeaders) => (string?)(control.Count == 1 ? control[0] : null) switch
    {
        // Django's never_cache and Paperless's views of files send these values.
        "max-age=0, no-cache, no-store, must-revalidate, private" or "private, no-store" or "private, no-cache" => control,
        "no-cache" => PrivateNoCache,
        "no-store" => PrivateNoStore,
        _ => RestrictDirectives(control, hasLegacyHeaders),
    };

    private static StringValues RestrictDirectives(StringValues control, bool hasLegacyHeaders)
    {
        if (SplitDirectives(control.ToString()) is not { } directives)
        {
            return PrivateNoStore;
        }

        bool hasFreshnessLimit = directives.Any(IsFreshnessLimit);
        string merged = string.Join(", ", directives.Where(IsKept).Prepend("private"));

        // `Expires` and `Pragma` are removed, so a limit that stood only there becomes `no-cache`.
        return hasLegacyHeaders && !hasFreshnessLimit ? merged + ", no-cache" : merged;
    }

    /// <summary>With field names, `no-cache` limits only those fields (section 5.2.2.4).</summary>
    private static bool IsFreshnessLimit(string directive) =>
        NameOf(directive) is "max-age" or "no-store" || directive.Equals("no-cache", StringComparison.OrdinalIgnoreCase);

    /// <summary>`must-understand` would override `no-store` (section 5.2.2.3).</summary>
    private static bool IsKept(string directive) =>
        NameOf(directive) is not ("public" or "private" or "s-maxage" or "immutable" or "must-understand" or "");

    private static string NameOf(string directive) => directive.Split('=')[0].Trim().ToLowerInvariant();

    /// <summary>Splits at the commas outside quotes; null for an unclosed quote.</summary>
    private static List<string>? SplitDirectives(string control)
    {
        List<string> directives = [];
        bool isQuoted = false;
        int start = 0;
        for (int at = 0; at < control.Length; at++)
        {
            if (isQuoted && control[at] == '\\')
            {
                at++;
            }
            else if (control[at] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (control[at] == ',' && !isQuoted)
            {
                directives.Add(control[start..at].Trim());
                start = at + 1;
            }
        }

        directives.Add(control[start..].Trim());
        return isQuoted ? null : directives;
    }

    /// <summary>Whether `Vary` names a header, or everything.</summary>
    private static bool Names(StringValues vary, string header)
    {
        foreach (string? line in vary)
        {
            ReadOnlySpan<char> names = line;
            foreach (Range range in names.Split(','))
            {
                ReadOnlySpan<char> name = names[range].Trim(' ').Trim('\t');
                if (name.Equals(header, StringComparison.OrdinalIgnoreCase) || name is "*")
                {
                    return true;
                }
            }
        }

        return false;
    }
}
