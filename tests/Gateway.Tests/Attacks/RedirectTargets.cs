namespace Gateway.Tests.Attacks;

/// <summary>Return addresses that lead, or might be taken to lead, somewhere else; by kind.</summary>
internal static class RedirectTargets
{
    private static readonly Dictionary<string, string[]> ByKind = new()
    {
        ["scheme-relative"] =
        [
            "//evil.example", "//evil.example/", "///evil.example", "////evil.example", "//evil.example/documents", "//evil.example:80/",
            "//evil.example?x=/documents", "//evil.example#/documents", "//evil%2eexample", "/////evil.example/%2f..", "//evil.example/..;/",
            "//{O}.evil.example", "//evil.example/%2e%2e", "//evil.example//documents", "//1.1.1.1",
        ],
        ["backslash"] =
        [
            "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "\\evil.example", "/\\\\evil.example", "//\\evil.example",
            "/\\evil.example/documents", "\\\\\\evil.example", "/documents\\..\\..\\evil", "/%5cevil.example", "/%5C%5Cevil.example",
            "%5c%5cevil.example", "/%5c/evil.example", "/documents/%5c..%5c", "https:\\\\evil.example", "https:/\\evil.example",
            "http:\\evil.example",
        ],
        ["control character"] =
        [
            "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\r\n/evil.example", "//\tevil.example",
            "\n//evil.example", "\u0000//evil.example", "/\u0000/evil.example", "\u0001//evil.example", "/\u000b/evil.example",
            "/\u000c/evil.example", "\u001f//evil.example", "/\u007f/evil.example", "/documents\t", "/documents\u0000.evil.example",
            "ht\ntps://evil.example", "java\tscript:alert(1)", "\u0008//evil.example", "/\u0085/evil.example", "/\u009f//evil.example",
        ],
        ["escaped control character"] =
        [
            "/%09/evil.example", "/%0a/evil.example", "/%0d/evil.example", "/%0d%0a/evil.example", "%09//evil.example", "/%00/evil.example",
            "%00//evil.example", "/documents%00", "/%1f/evil.example", "/%7f/evil.example", "/%0b/evil.example", "/%c2%85/evil.example",
            "/%01%09/evil.example",
        ],
        ["userinfo"] =
        [
            "https://{O}@evil.example/", "https://{O}:x@evil.example", "//{O}@evil.example", "/@evil.example", "@evil.example", "//x:y@evil.example/",
            "https://evil.example\\@{O}/", "https://{O}%40evil.example", "https://evil.example#@{O}/", "https://evil.example?@{O}/",
            "https://a@b@evil.example/", "//@evil.example", "https://%40evil.example",
        ],
        ["unicode"] =
        [
            "//evil\u3002example", "//evil\uff0eexample", "/\u2215evil.example", "/\u2044evil.example", "\uff0f\uff0fevil.example",
            "/\uff0fevil.example", "\uff3c\uff3cevil.example", "/\uff3cevil.example", "//\uff45\uff56\uff49\uff4c.example", "/\u3000/evil.example",
            "\u2028//evil.example", "/\u2029/evil.example", "\u00a0//evil.example", "/\u200b/evil.example", "\ufeff//evil.example",
            "//evil.example\u00ad", "/\u202e/elpmaxe.live", "//\u0435vil.example", "https://evil\uff61example/", "/\u017f//evil.example",
        ],
        ["encoded slash"] =
        [
            "/%2fevil.example", "/%2Fevil.example", "%2f%2fevil.example", "/%2f%2fevil.example", "/%252fevil.example", "/%252f%252fevil.example",
            "/%25252fevil.example", "%252f%252fevil.example", "/%u002fevil.example", "/%e2%88%95evil.example", "/%ef%bc%8fevil.example",
            "/x%2f..%2f..%2f%2fevil.example", "/%2e%2e%2f%2fevil.example", "/%c0%afevil.example", "/%e0%80%afevil.example",
            "https:%2f%2fevil.example",
        ],
        ["dot segment"] =
        [
            "/.//evil.example", "/..//evil.example", "/./evil.example", "/../evil.example", "/x/..//evil.example", "/%2e//evil.example",
            "/%2e%2e//evil.example", "/.%2e//evil.example", "/x/%2e%2e//evil.example", ".//evil.example", "..//evil.example", "./", "../",
            "/..;//evil.example", "/x/../../..//evil.example", "/..%2f%2fevil.example", "/.\\evil.example", "/documents/..", "/documents/.",
        ],
        ["other scheme"] =
        [
            "javascript:alert(1)", "JavaScript:alert(1)", "javascript://{O}/%0aalert(1)", "data:text/html,x", "data:text/html;base64,PHA+",
            "vbscript:x", "file:///etc/passwd", "ftp://evil.example/", "ws://evil.example/", "mailto:a@evil.example", "blob:https://evil.example/1",
            "about:blank", "view-source:https://evil.example", "intent://evil.example#Intent;end", "x:/evil", "//javascript:alert(1)",
            "jar:https://evil.example!/", "feed:https://evil.example", "chrome://settings", "sms:1", "tel:1",
        ],
        ["whole address"] =
        [
            "https://evil.example", "https://evil.example/", "http://evil.example", "https:evil.example", "https:/evil.example",
            "https:///evil.example", "https:////evil.example", "http:evil.example", "HTTPS://EVIL.EXAMPLE", "https://{O}/", "http://{O}/documents",
            "https:{O}", "http:/{O}/", "://evil.example", "https//evil.example", "https:documents",
        ],
        ["port"] =
        [
            "//evil.example:443", "https://{O}:80@evil.example", "//{O}:1", "//{O}:0/", "//:80", "//localhost:1/", "http://localhost:99999/",
            "//localhost:+80/", "https://localhost:{P}.evil.example/", ":80/", "//localhost:{P}:80/", "//:@evil.example/",
        ],
        ["ip literal"] =
        [
            "//[::1]/", "//[::ffff:127.0.0.1]/", "http://[::1]:{P}/", "//127.0.0.1/", "//2130706433/", "//0x7f000001/", "//017700000001/", "//127.1/",
            "//[::1]@evil.example/", "//[evil.example]/", "//0/", "//[fe80::1%25eth0]/",
        ],
        ["whitespace"] =
        [
            " //evil.example", "  https://evil.example", "/ /evil.example", "// evil.example", "\u0020/documents", "/documents ", "%20//evil.example",
            "/%20/evil.example", "+//evil.example", "\u00a0/\u00a0/evil.example", "/+/evil.example", " /accounts/logout/",
        ],
        ["fragment"] =
        [
            "/#//evil.example", "#//evil.example", "/#@evil.example", "/documents#/../../evil", "/documents#https://evil.example",
            "/%23//evil.example", "//evil.example#", "/#\\evil.example", "/#/accounts/logout/", "?#//evil.example",
        ],
        ["path parameter"] =
        [
            "/;//evil.example", "/;@evil.example", "/documents;x=//evil.example", "/..;/evil.example", "/;/evil.example", "/%3b//evil.example",
            "/documents;jsessionid=1", "/.;//evil.example", "/;%2f%2fevil.example",
        ],
        ["header injection"] =
        [
            "/%0d%0aLocation:%20https://evil.example", "/\r\nLocation: https://evil.example", "/\r\nSet-Cookie: a=b", "/documents\r\n\r\n<script>",
            "/%0d%0aSet-Cookie:a=b", "/%E5%98%8A%E5%98%8DSet-Cookie:a", "/\u560a\u560dSet-Cookie: a=b", "/\nX: y", "/x\rX: y",
            "/documents%23%0d%0aX:y", "/\u010d\u010aX: y",
        ],
        ["odd encoding"] =
        [
            "/%", "/%2", "/%zz", "/%%32%66evil.example", "/%252e%252e//evil.example", "/%u0000", "/%c1%9cevil.example", "/%f0%80%80%afevil.example",
            "/%ed%a0%80", "/%ff", "/%fe%ff//evil.example", "/%2%46evil.example", "/%c0%ae%c0%ae/", "/%e0%80%ae/", "/%f8%80%80%80%af",
        ],
        ["mixed case"] =
        [
            "hTtPs://evil.example", "JAVASCRIPT:alert(1)", "//EVIL.example", "/%2F%2fEVIL.example", "/ACCOUNTS/LOGOUT/",
            "/Accounts/Oidc/authentik/Login/", "HTTP:\\\\evil.example", "Data:text/html,x", "/API/AUTH/LOGOUT/",
        ],
        ["look-alike"] =
        [
            "//{O}.evil.example/", "//evil{O}/", "https://{O}.evil.example", "//{O}%2eevil.example", "//{O}%00.evil.example", "//{O};.evil.example",
            "//{O}\u3002evil.example", "//locaIhost:{P}/", "//localhost.:{P}/", "//LOCALHOST:1/", "https://{O}\t.evil.example", "//xn--evil.example/",
            "//{O}_evil.example",
        ],
        ["script name"] =
        [
            "/paperless//evil.example", "/paperless/\\evil.example", "/paperless\\evil.example", "/paperless@evil.example", "/paperless.evil.example",
            "/paperless/..//evil.example", "/paperless/%2e%2e//evil.example", "//paperless/", "/paperlessx/", "/PAPERLESS/",
            "/paperless/../accounts/logout/", "/paperless/%2e%2e/accounts/logout/", "/paperless/%2f%2fevil.example", "/paperless/\t/evil.example",
            "/paperless/.//evil.example", "/paperless;/evil", "/%70aperless/",
        ],
        ["sign-in and sign-out"] =
        [
            "/accounts/login/", "/accounts/login/?next=//evil.example", "/accounts/logout/", "/accounts/oidc/authentik/login/",
            "/accounts/oidc/authentik/login/?process=connect", "/accounts/oidc/authentik/logout/frontchannel/?iss=x&sid=y", "/./accounts/logout/",
            "/x/../accounts/logout/", "/%2e/accounts/logout/", "/x/%2e%2e/accounts/logout/", "/%61ccounts/logout/", "/accounts/%6cogout/",
            "/acc%6Funts/oidc/authentik/login/?process=connect", "/api/auth/logout/", "/api/auth/logout", "/admin/logout/", "/admin/logout",
            "/api/./auth/logout/", "/x/../api/auth/logout/", "/api/auth/%6cogout/", "/%61dmin/logout/", "/admin/logout/?next=//evil.example",
            "/accounts/logout/#x", "/api/auth/logout/?", "/accounts//logout/", "/admin\\logout/", "/accounts/login", "/Admin/Logout/",
            "/x/.%2E/admin/logout/",
        ],
        ["api and files"] =
        [
            "/api//evil.example", "/api/\\evil.example", "/static//evil.example", "/static/..//evil.example", "/share/..%2f%2fevil.example",
            "/favicon.ico//evil.example", "/ws//evil.example", "/api/token/..//evil.example", "/gateway//evil.example", "/assets/%2f%2fevil.example",
        ],
        ["long"] =
        [
            "/{A:1999}//evil.example", "//evil.example/{A:1990}", "/{A:2001}", "/{A:5000}", "https://evil.example/{A:3000}", "/\u00e9{A:1995}",
            "//{A:250}.example/",
        ],
        ["several at once"] =
        [
            "/documents&next=//evil.example", "//evil.example&next=/documents", "/documents,//evil.example", "/documents&next=/accounts/logout/",
            "/a&next=", "&next=//evil.example",
        ],
    };

    /// <summary>What must be kept as it is, or every test of the others would pass where nobody is led back at all.</summary>
    public static readonly string[] Genuine =
    [
        "/", "/documents", "/documents/2", "/documents/2/details", "/documents/2?page=3&sort=created", "/view/3?next=https://evil.example/",
        "/dashboard#notes",
        "/documents?query=a%20b", "/documents/%C3%A4", "/tags/%2541", "/gateway/sessions", "/api/documents/2/preview/", "/documents?x=//y;z#//w",
    ];

    public static IReadOnlyCollection<string> Kinds => ByKind.Keys;

    /// <param name="authority">The gateway's own host and port.</param>
    public static IReadOnlyList<(string Kind, string Text)> All(Uri authority) =>
        [.. ByKind.SelectMany(kind => kind.Value.Select(text => (kind.Key, Filled(text, authority))))];

    private static string Filled(string text, Uri own)
    {
        int start = text.IndexOf("{A:", StringComparison.Ordinal);
        if (start >= 0)
        {
            int end = text.IndexOf('}', start);
            int count = int.Parse(text.AsSpan(start + 3, end - start - 3), System.Globalization.CultureInfo.InvariantCulture);
            text = text[..start] + new string('a', count) + text[(end + 1)..];
        }

        return text.Replace("{O}", own.Authority, StringComparison.Ordinal)
            .Replace("{P}", own.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
