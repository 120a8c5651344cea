namespace Gateway.StandIns.Paperless;

/// <summary>One request with its Django session, its user and the cookies that its answer will set.</summary>
internal sealed class Visit
{
    private readonly ReceivedRequest _received;
    private readonly Dictionary<string, string> _cookies;
    private bool _loaded;
    private StandInUser? _user;
    private PaperlessSession? _session;
    private bool _sessionIsNew;
    private bool _sessionIsGone;
    private string? _csrfSecret;
    private bool _csrfIsNew;

    public Visit(HttpContext http, PaperlessSite site, ReceivedRequest received)
    {
        Http = http;
        Site = site;
        _received = received;
        Path = PathInfo(received.Path, site.Options.ScriptName);
        _cookies = ReadCookies(received);
        Reply = new Reply(this);
    }

    public HttpContext Http { get; }
    public PaperlessSite Site { get; }
    public PaperlessData Data => Site.Data;
    public Reply Reply { get; }
    public string Method => Http.Request.Method;

    /// <summary>Unescaped and without the script name: what Django's routes see.</summary>
    public string Path { get; }

    public RequestBody Body { get; set; } = RequestBody.Empty;

    /// <summary>The number in a path such as <c>/api/users/27/</c>; 0 when it is no number.</summary>
    public int RouteId { get; set; }

    public bool IsSafe => Method is "GET" or "HEAD" or "OPTIONS" or "TRACE";

    public string Host => Header("Host") ?? "";

    public string Origin => $"{(Site.Options.ProxySslHeader is { } header && Header(header.Name) == header.Value ? "https" : "http")}://{Host}";

    public string FullPath
    {
        get
        {
            // Django does so too, lest a redirect lead to another host.
            string target = _received.PathAndQuery;
            return target.StartsWith("//", StringComparison.Ordinal) ? "/%2F" + target[2..] : target;
        }
    }

    /// <summary>request.user; DRF puts the owner of a token here.</summary>
    public StandInUser? User
    {
        get
        {
            LoadSession();
            return _user;
        }
        set
        {
            _loaded = true;
            _user = value;
        }
    }

    public PaperlessSession? Session
    {
        get
        {
            LoadSession();
            return _session;
        }
    }

    public string? CsrfCookie => _cookies.GetValueOrDefault(CsrfCookieName);

    private string SessionCookieName => Site.Options.CookiePrefix + "sessionid";

    private string CsrfCookieName => Site.Options.CookiePrefix + "csrftoken";

    public string? Header(string name) => _received.Header(name);

    public string? Query(string name) => Http.Request.Query[name] is { Count: > 0 } values ? values[^1] : null;

    /// <summary>The header that names the user, in Django's reading; null when there is none, and "" is not none.</summary>
    public string? RemoteUser()
    {
        string wanted = Site.Options.UserHeader;
        IEnumerable<KeyValuePair<string, string>> lines = _received.Headers.Where(line => line.Key.Equals(wanted, StringComparison.OrdinalIgnoreCase)
            || (Site.Options.UnderscoresInHeaders
                && line.Key.Replace('_', '-').Equals(wanted.Replace('_', '-'), StringComparison.OrdinalIgnoreCase)));
        string[] values = lines.Select(line => line.Value).ToArray();
        return values.Length == 0 ? null : string.Join(',', values);
    }

    public void LogIn(StandInUser user, bool byHeader = false)
    {
        LogOut();
        _user = user;
        _session = Data.OpenSession(user, byHeader);
        _sessionIsNew = true;
        _csrfSecret = RandomText.Alphanumeric(32);
        _csrfIsNew = true;
    }

    public void LogOut()
    {
        if (Session is { } session)
        {
            Data.EndSession(session.Key);
            _sessionIsGone = true;
        }

        _session = null;
        _user = null;
        _sessionIsNew = false;
    }

    /// <summary>Django's get_token: the page that asks for it also sets the cookie, again and again.</summary>
    public string CsrfToken()
    {
        _csrfSecret ??= CsrfCookie ?? RandomText.Alphanumeric(32);
        _csrfIsNew = true;
        return Csrf.Mask(_csrfSecret);
    }

    /// <summary>Called when the answer's headers are about to leave.</summary>
    public void Finish()
    {
        _received.SignedInAs = User?.Name;
        IHeaderDictionary headers = Http.Response.Headers;
        if (User is not null)
        {
            headers["X-Api-Version"] = "10";
            headers["X-Version"] = PaperlessSite.Version;
        }

        if (_csrfIsNew)
        {
            headers.Append("Set-Cookie", Cookie(CsrfCookieName, _csrfSecret!, TimeSpan.FromSeconds(31_449_600), httpOnly: false));
        }

        if (_sessionIsNew)
        {
            headers.Append("Set-Cookie", Cookie(SessionCookieName, _session!.Key, PaperlessSession.Age, httpOnly: true));
        }
        else if (_sessionIsGone && _cookies.ContainsKey(SessionCookieName))
        {
            headers.Append(
                "Set-Cookie",
                $"{SessionCookieName}=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax");
        }

        headers.XFrameOptions = "SAMEORIGIN";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.Append("Vary", "Accept, Cookie, origin");
    }

    private string Cookie(string name, string value, TimeSpan age, bool httpOnly) =>
        $"{name}={value}; expires={Data.Now + age:R}; {(httpOnly ? "HttpOnly; " : "")}Max-Age={(long)age.TotalSeconds}; Path=/; SameSite=Lax";

    private void LoadSession()
    {
        if (_loaded)
        {
            return;
        }

        _loaded = true;
        if (!_cookies.TryGetValue(SessionCookieName, out string? key) || key.Length == 0)
        {
            return;
        }

        // The cookie of a session that Django does not know is taken back.
        PaperlessSession? session = Data.FindSession(key);
        StandInUser? user = session is null ? null : Data.FindUser(session.UserId);
        _sessionIsGone = session is null;
        if (session is null || user is null)
        {
            return;
        }

        // The session carries a hash of the password: a new password ends it.
        if (user.Password != session.PasswordThen)
        {
            Data.EndSession(key);
            _sessionIsGone = true;
            return;
        }

        _session = session;
        _user = user.IsActive ? user : null;
    }

    private static string PathInfo(string path, string scriptName)
    {
        string rest = scriptName.Length > 0 && path.StartsWith(scriptName, StringComparison.Ordinal)
            ? path[scriptName.Length..]
            : path;
        return rest.StartsWith('/') ? rest : "/" + rest;
    }

    private static Dictionary<string, string> ReadCookies(ReceivedRequest received)
    {
        Dictionary<string, string> cookies = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in string.Join(';', received.Lines("Cookie")).Split(';'))
        {
            if (pair.Split('=', 2) is [var name, var value])
            {
                cookies[name.Trim()] = value.Trim().Trim('"');
            }
        }

        return cookies;
    }
}
