using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Gateway.Forwarding;

/// <summary>
/// Keeps an answer that is somebody's out of every cache that serves others (RFC 9111, section 5.2.2.7), also of one that goes by the end of
/// the address: `/api/trash/x.css` is no style sheet. What Paperless says of caching is made narrower, and never wider.
/// </summary>
internal static class PrivateCaching
{
    public static readonly StringValues NoStore = "no-store";

    private static readonly StringValues PrivateNoStore = "private, no-store";
    private static readonly StringValues PrivateNoCache = "private, no-cache";
    private static readonly StringValues VaryCookie = "Cookie";
    private static readonly StringValues VaryAuthorization = "Authorization";

    /// <summary>Orders for shared caches alone, beside every name that ends in `Cache-Control` (RFC 9213, section 2.2).</summary>
    private static readonly string[] ForSharedCaches = ["Surrogate-Control", "Edge-Control", "X-Accel-Expires"];

    /// <param name="headers">Of the answer to the browser, where they are a copy of those that were received.</param>
    /// <param name="received">Paperless's own, to look through without an allocation.</param>
    /// <param name="variesBy">The request header that says whose the answer is.</param>
    public static void Apply(IHeaderDictionary headers, HttpHeadersNonValidated received, string variesBy)
    {
        foreach ((string name, HeaderStringValues _) in received)
        {
            if (IsForSharedCaches(name))
            {
                headers.Remove(name);
            }
        }

        StringValues control = headers.CacheControl;
        StringValues narrowed = control.Count == 0 ? WhereNothingIsSaid(headers) : Narrowed(control, headers.Expires.Count + headers.Pragma.Count > 0);
        if (narrowed != control)
        {
            headers.CacheControl = narrowed;
        }

        // HTTP/1.0 caches know these alone.
        if (headers.Expires.Count > 0)
        {
            headers.Expires = default;
        }

        if (headers.Pragma.Count > 0)
        {
            headers.Pragma = default;
        }

        if (narrowed != PrivateNoStore && !Lists(headers.Vary, variesBy))
        {
            StringValues vary = variesBy == "Cookie" ? VaryCookie : VaryAuthorization;
            headers.Vary = headers.Vary.Count == 0 ? vary : StringValues.Concat(headers.Vary, vary);
        }
    }

    private static bool IsForSharedCaches(string name)
    {
        const string control = "Cache-Control";
        if (name.Length > control.Length && name.EndsWith(control, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        foreach (string other in ForSharedCaches)
        {
            if (name.Equals(other, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A validator is a word on caching: the browser keeps what it has, and asks Paperless each time whether it is still good.</summary>
    private static StringValues WhereNothingIsSaid(IHeaderDictionary headers) =>
        headers.ETag.Count + headers.LastModified.Count + headers.Expires.Count + headers.Pragma.Count > 0 ? PrivateNoCache : PrivateNoStore;

    /// <param name="hasOlder">Whether `Expires` or `Pragma` say something, too.</param>
    private static StringValues Narrowed(StringValues control, bool hasOlder) => control.Count != 1 ? Merged(control, hasOlder) : control[0] switch
    {
        // What Paperless sends: Django's never_cache, and its views of files.
        "max-age=0, no-cache, no-store, must-revalidate, private" or "private, no-store" or "private, no-cache" => control,
        "no-cache" => PrivateNoCache,
        "no-store" => PrivateNoStore,
        _ => Merged(control, hasOlder),
    };

    private static StringValues Merged(StringValues control, bool hasOlder)
    {
        if (Directives(control.ToString()) is not { } directives)
        {
            return PrivateNoStore;
        }

        bool isLimited = directives.Any(IsLimit);
        string merged = string.Join(", ", directives.Where(IsKept).Prepend("private"));

        // Where an age was said in the older words alone, nothing is good without a question.
        return hasOlder && !isLimited ? merged + ", no-cache" : merged;
    }

    /// <summary>With fields named, `no-cache` limits those alone (section 5.2.2.4).</summary>
    private static bool IsLimit(string directive) =>
        NameOf(directive) is "max-age" or "no-store" || directive.Equals("no-cache", StringComparison.OrdinalIgnoreCase);

    /// <summary>`must-understand` would take `no-store` back (section 5.2.2.3).</summary>
    private static bool IsKept(string directive) =>
        NameOf(directive) is not ("public" or "private" or "s-maxage" or "immutable" or "must-understand" or "");

    private static string NameOf(string directive) => directive.Split('=')[0].Trim().ToLowerInvariant();

    /// <summary>Split at the commas that are not within quotes; null where a quote does not end.</summary>
    private static List<string>? Directives(string control)
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
    private static bool Lists(StringValues vary, string header)
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
