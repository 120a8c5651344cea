namespace Gateway.Tests.Attacks;

/// <summary>What must become of a request.</summary>
internal enum Verdict
{
    /// <summary>A refusal, or a question: nothing changes, and nothing reaches Paperless.</summary>
    Nothing,

    /// <summary>Paperless gets it as the person's.</summary>
    Passes,

    /// <summary>Paperless may get it, but with no cookie and as nobody's; a credential of the request's own stays.</summary>
    AsNobody,
}

/// <summary>One request as some page, or some program, would send it with a session's cookies.</summary>
/// <param name="Sender">Who sends it, for the message of a failure.</param>
internal sealed record CrossSiteVector(
    string Sender,
    string Method,
    string Path,
    IReadOnlyList<(string Name, string Value)> Headers,
    string? ContentType,
    Verdict Verdict)
{
    public override string ToString()
        => $"{Sender}: {Method} {Path} ({ContentType ?? "no body"}) {string.Join("; ", Headers.Select(header => $"{header.Name}: {header.Value}"))}";
}

/// <summary>The table: every sender with every method, path, content type and trick that could change something.</summary>
internal static class CrossSiteVectors
{
    private const string Evil = "https://evil.example";
    private const string Form = "application/x-www-form-urlencoded";

    /// <summary>What a form, a beacon or a script without a preflight sends, and what only a preflight would let through.</summary>
    private static readonly (string Method, string? ContentType)[] Changes =
    [
        ("POST", null), ("POST", Form), ("POST", "multipart/form-data"), ("POST", "text/plain"), ("POST", "application/json"),
        ("PUT", "application/json"), ("PATCH", "application/json"), ("DELETE", null), ("QUERY", null), ("PROPPATCH", "text/plain"),
    ];

    private static readonly string[] Forwarded =
    [
        "/api/documents/1/", "/api/documents/post_document/", "/api/profile/disconnect_social_account/", "/accounts/password/change/",
        "/admin/documents/document/add/", "/api/auth/headless/browser/v1/auth/session", "/dashboard",
    ];

    private static readonly string[] OwnChanges = ["/gateway/sessions/end", "/gateway/sessions/end-all", "/gateway/username"];

    private static readonly string[] SignOuts
        = ["/accounts/logout/", "/accounts/logout", "/api/auth/logout/", "/api/auth/logout", "/admin/logout/", "/admin/logout"];

    /// <summary>What a page loads by itself, and what a browser does ahead of a click.</summary>
    private static readonly (string Mode, string Destination)[] Background =
    [
        ("no-cors", "image"), ("no-cors", "script"), ("no-cors", "style"), ("no-cors", "video"), ("no-cors", "object"), ("no-cors", "empty"),
        ("cors", "empty"), ("cors", "font"), ("same-origin", "worker"), ("navigate", "iframe"), ("navigate", "frame"), ("navigate", "embed"),
        ("websocket", "websocket"),
    ];

    private static readonly (string Name, string Value)[] Handshake =
        [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];

    /// <param name="own">The gateway's origin.</param>
    public static IEnumerable<CrossSiteVector> All(string own) =>
    [
        .. Unsafe(Foreigners(own), Verdict.Nothing),
        .. Unsafe(Own(own), Verdict.Passes),
        .. Overridden(Foreigners(own)),
        .. Foreigners(own).SelectMany(
            sender => OwnChanges.Select(path => new CrossSiteVector(sender.Name, "POST", path, sender.Headers, Form, Verdict.Nothing))),
        .. SignOutsBy(own),
        .. Begins(own),
        .. Foreigners(own).SelectMany(sender => ((string[])["/ws/status/", "/api/status/"]).Select(path =>
            new CrossSiteVector(sender.Name, "GET", path, [.. Handshake, .. sender.Headers], null, Verdict.Nothing))),
        .. Reading(Foreigners(own)),
        .. AsNobody(Foreigners(own)),
    ];

    private static IEnumerable<CrossSiteVector> Unsafe(IEnumerable<Sender> senders, Verdict verdict) =>
        from sender in senders
        from path in Forwarded
        from change in Changes
        select new CrossSiteVector(sender.Name, change.Method, path, sender.Headers, change.ContentType, verdict);

    /// <summary>A method in a header, a query or a field: the one on the request line decides, and it is the one that is forwarded.</summary>
    private static IEnumerable<CrossSiteVector> Overridden(IEnumerable<Sender> senders)
    {
        foreach (Sender sender in senders)
        {
            foreach (string name in (string[])["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
            {
                yield return new(sender.Name, "POST", "/api/documents/1/", [.. sender.Headers, (name, "GET")], Form, Verdict.Nothing);
                yield return new(sender.Name, "GET", "/api/documents/1/", [.. sender.Headers, (name, "DELETE")], null, Verdict.Passes);
            }

            yield return new(sender.Name, "POST", "/api/documents/1/?_method=GET", sender.Headers, Form, Verdict.Nothing);
        }
    }

    private static IEnumerable<CrossSiteVector> SignOutsBy(string own)
    {
        foreach (string path in SignOuts)
        {
            foreach (Sender sender in Foreigners(own))
            {
                yield return new(sender.Name, "GET", path, [("Accept", "text/html"), .. sender.Headers], null, Verdict.Nothing);
                yield return new(sender.Name, "POST", path, [("Accept", "text/html"), .. sender.Headers], Form, Verdict.Nothing);
                yield return new(sender.Name, "HEAD", path, sender.Headers, null, Verdict.Nothing);
            }

            foreach ((string mode, string destination) in Background)
            {
                foreach (string site in (string[])["same-origin", "same-site", "cross-site", "none"])
                {
                    yield return new(
                        $"{destination} of a {site} page",
                        "GET",
                        path,
                        [.. Metadata(site, mode, destination), ("Referer", own + "/dashboard")],
                        null,
                        Verdict.Nothing);
                }
            }

            yield return new("prefetch", "GET", path, [.. Metadata("same-origin", "navigate", "document"), ("Sec-Purpose", "prefetch")], null, Verdict.Nothing);
            yield return new(
                "prerender",
                "GET",
                path,
                [.. Metadata("none", "navigate", "document"), ("Sec-Purpose", "prefetch;prerender")],
                null,
                Verdict.Nothing);
            yield return new("head", "HEAD", path, Metadata("same-origin", "navigate", "document"), null, Verdict.Nothing);
            yield return new("sibling's link", "GET", path, Metadata("same-site", "navigate", "document"), null, Verdict.Nothing);
            yield return new("image without metadata", "GET", path, [("Accept", "image/*,*/*;q=0.8"), ("Referer", own + "/dashboard")], null, Verdict.Nothing);
        }
    }

    /// <summary>A Connect from elsewhere, and a sign-in that is no page of its own.</summary>
    private static IEnumerable<CrossSiteVector> Begins(string own)
    {
        const string path = "/accounts/oidc/authentik/login/";
        foreach (Sender sender in Foreigners(own))
        {
            yield return new(sender.Name, "GET", path + "?process=connect", [("Accept", "text/html"), .. sender.Headers], null, Verdict.Nothing);
            yield return new(sender.Name, "POST", path + "?process=connect", [("Accept", "text/html"), .. sender.Headers], Form, Verdict.Nothing);
        }

        foreach ((string mode, string destination) in Background)
        {
            yield return new(
                $"{destination} of this origin",
                "GET",
                path + "?process=connect",
                Metadata("same-origin", mode, destination),
                null,
                Verdict.Nothing);
            yield return new($"{destination} of another site", "GET", path + "?prompt=login", Metadata("cross-site", mode, destination), null, Verdict.Nothing);
        }
    }

    /// <summary>Reading changes nothing; without CORS headers in the answer another site does not see it.</summary>
    private static IEnumerable<CrossSiteVector> Reading(IEnumerable<Sender> senders) =>
        from sender in senders
        from method in (string[])["GET", "HEAD", "OPTIONS"]
        select new CrossSiteVector(
            sender.Name,
            method,
            "/api/documents/1/",
            [.. sender.Headers, ("Access-Control-Request-Method", "DELETE")],
            null,
            Verdict.Passes);

    private static IEnumerable<CrossSiteVector> AsNobody(IEnumerable<Sender> senders)
    {
        foreach (Sender sender in senders)
        {
            yield return new(sender.Name, "POST", "/api/token/", sender.Headers, Form, Verdict.AsNobody);
            yield return new(sender.Name, "POST", "/api/documents/1/", [.. sender.Headers, ("Authorization", "Token none")], Form, Verdict.AsNobody);
        }
    }

    private static IEnumerable<Sender> Own(string own) =>
    [
        new("the app's script", [.. Metadata("same-origin", "cors", "empty"), ("Origin", own), ("Referer", own + "/documents")]),
        new("the app's form", [.. Metadata("same-origin", "navigate", "document"), ("Origin", own)]),
        new("its origin alone", [("Origin", own)]),
        new("its Referer alone", [("Referer", own + "/documents?x=" + Evil)]),
        new("no browser", []),
    ];

    private static IEnumerable<Sender> Foreigners(string own)
    {
        string port = own[(own.LastIndexOf(':') + 1)..];
        return
        [
            new("script of another site", [.. Metadata("cross-site", "cors", "empty"), ("Origin", Evil), ("Referer", Evil + "/")]),
            new("form of another site", [.. Metadata("cross-site", "navigate", "document"), ("Origin", Evil)]),
            new("form in a frame", [.. Metadata("cross-site", "navigate", "iframe"), ("Origin", "null")]),
            new("beacon", [.. Metadata("cross-site", "no-cors", "empty"), ("Origin", Evil)]),
            new("sibling's script", [.. Metadata("same-site", "cors", "empty"), ("Origin", $"http://localhost:1{port[..3]}")]),
            new("sibling's form", Metadata("same-site", "navigate", "document")),
            new("sibling that claims this origin", [.. Metadata("same-site", "cors", "empty"), ("Origin", own)]),
            new("metadata alone", [("Sec-Fetch-Site", "cross-site")]),
            new("nobody's page", [("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")]),
            new("two words of the site", [("Sec-Fetch-Site", "same-origin, cross-site")]),
            new("unknown word of the site", [("Sec-Fetch-Site", "Same-Origin")]),
            new("older browser", [("Origin", Evil)]),
            new("sandboxed frame", [("Origin", "null")]),
            new("empty origin", [("Origin", "")]),
            new("origin with a slash", [("Origin", own + "/")]),
            new("origin of another port", [("Origin", "http://localhost")]),
            new("origin of another scheme", [("Origin", own.Replace("http://", "https://", StringComparison.Ordinal))]),
            new("origin that begins like this one", [("Origin", own + ".evil.example")]),
            new("site and origin disagree", [.. Metadata("same-origin", "cors", "empty"), ("Origin", Evil)]),
            new("origin and Referer disagree", [("Origin", own), ("Referer", Evil + "/")]),
            new("site and Referer disagree", [.. Metadata("same-origin", "cors", "empty"), ("Referer", Evil + "/")]),
            new("oldest browser", [("Referer", Evil + "/" + own + "/")]),
            new("Referer that begins like this origin", [("Referer", own + ".evil.example/")]),
            new("Referer with user information", [("Referer", own + "@evil.example/")]),
            new("unreadable Referer", [("Referer", "/documents")]),
        ];
    }

    private static (string Name, string Value)[] Metadata(string site, string mode, string destination) =>
        [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", destination)];

    private sealed record Sender(string Name, IReadOnlyList<(string Name, string Value)> Headers);
}
