using System.Globalization;

namespace Gateway.Tests.Attacks;

/// <summary>Where a browser ends up that follows a `Location`: the parts of the WHATWG URL standard that decide about the origin.</summary>
/// <param name="Origin">Scheme, host and port; of another scheme than http(s) the scheme alone.</param>
/// <param name="Path">With its dot segments resolved, also the escaped ones; escapes are kept.</param>
internal sealed record BrowserUrl(string Origin, string Path)
{
    private static readonly string[] Special = ["http", "https", "ws", "wss", "ftp", "file"];

    /// <param name="page">The page that redirects, an http(s) address.</param>
    public static BrowserUrl Resolve(Uri page, string location)
    {
        string text = new([.. location.Trim([.. Enumerable.Range(0, 0x21).Select(code => (char)code)]).Where(letter => letter is not ('\t' or '\r' or '\n'))]);
        string scheme = SchemeOf(text);
        string own = page.GetLeftPart(UriPartial.Authority).ToLowerInvariant();
        if (scheme.Length == 0)
        {
            return IsSlash(text, 0) && IsSlash(text, 1) ? OfAuthority(page.Scheme, text.TrimStart('/', '\\')) : new BrowserUrl(own, PathOf(page, text));
        }

        string rest = text[(scheme.Length + 1)..];
        if (!Special.Contains(scheme))
        {
            return new BrowserUrl(scheme + ":", rest);
        }

        // "https:evil" is relative to a page of https, and another host's everywhere else.
        return scheme == page.Scheme && !(IsSlash(rest, 0) && IsSlash(rest, 1))
            ? new BrowserUrl(own, PathOf(page, rest))
            : OfAuthority(scheme, rest.TrimStart('/', '\\'));
    }

    private static string SchemeOf(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && char.IsAsciiLetter(text[0]) && text[..colon].All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '+' or '-' or '.')
            ? text[..colon].ToLowerInvariant()
            : "";
    }

    private static BrowserUrl OfAuthority(string scheme, string text)
    {
        int end = text.IndexOfAny(['/', '\\', '?', '#']);
        string authority = end < 0 ? text : text[..end];
        string host = authority[(authority.LastIndexOf('@') + 1)..].ToLowerInvariant();
        string port = scheme == "https" ? ":443" : ":80";
        host = host.EndsWith(port, StringComparison.Ordinal) ? host[..^port.Length] : host;
        return new BrowserUrl($"{scheme}://{host}", Normal(end < 0 ? "/" : text[end..]));
    }

    private static string PathOf(Uri page, string text)
    {
        if (text.Length == 0 || text[0] is '?' or '#')
        {
            return page.AbsolutePath;
        }

        return Normal(IsSlash(text, 0) ? text : page.AbsolutePath[..(page.AbsolutePath.LastIndexOf('/') + 1)] + text);
    }

    private static bool IsSlash(string text, int at) => at < text.Length && text[at] is '/' or '\\';

    private static string Normal(string text)
    {
        int end = text.IndexOfAny(['?', '#']);
        List<string> path = [];
        string[] segments = (end < 0 ? text : text[..end]).Replace('\\', '/').Split('/');
        for (int i = 1; i < segments.Length; i++)
        {
            string plain = segments[i].Replace("%2e", ".", true, CultureInfo.InvariantCulture);
            if (plain == ".." && path.Count > 0)
            {
                path.RemoveAt(path.Count - 1);
            }

            if (plain is not ("." or ".."))
            {
                path.Add(segments[i]);
            }
            else if (i == segments.Length - 1)
            {
                path.Add("");
            }
        }

        return "/" + string.Join('/', path);
    }
}
