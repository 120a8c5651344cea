using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Gateway.Tests.Kit;

/// <summary>The response to a request.</summary>
internal sealed record Page(HttpStatusCode Status, Uri Address, string Text, HttpResponseMessage Response, IReadOnlyList<Uri> Trail)
{
    public string? Header(string name)
    {
        bool isSent = Response.Headers.TryGetValues(name, out IEnumerable<string>? values) || Response.Content.Headers.TryGetValues(name, out values);
        return isSent ? string.Join(", ", values!) : null;
    }

    public IReadOnlyList<string> SetCookies => Response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? values) ? [.. values] : [];

    public Uri? Location => Response.Headers.Location is { } location ? new Uri(Address, location) : null;
}

/// <summary>
/// A minimal browser: keeps cookies, sends the headers of a browser (`Sec-Fetch-*`, `Origin`), follows redirects. Every refusal that it gets is checked:
/// the person's part has no words of the operator.
/// </summary>
internal sealed class Visitor : IDisposable
{
    private const int MostRedirects = 15;

    private readonly World _world;
    private readonly HttpClient _http;
    private readonly Version _version;

    /// <param name="replica">The port of the replica that gets the requests, as a load balancer would choose it.</param>
    public Visitor(World world, X509Certificate2? certificate, Version? version = null, int? replica = null)
    {
        _world = world;
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            UseCookies = true,
            CookieContainer = Cookies,
            RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
            SslOptions = { RemoteCertificateValidationCallback = (_, given, _, _) => certificate is not null
                && given?.GetCertHashString() == certificate.GetCertHashString() },
        };
        if (replica is { } port)
        {
            handler.ConnectCallback = async (context, cancel) =>
            {
                System.Net.Sockets.Socket socket = new(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync("localhost", context.DnsEndPoint.Port == world.Port ? port : context.DnsEndPoint.Port, cancel);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            };
        }

        _http = new HttpClient(handler);
        _version = version ?? HttpVersion.Version11;
    }

    public CookieContainer Cookies { get; } = new();

    /// <summary>The User-Agent header; null: none.</summary>
    public string? UserAgent { get; init; }

    /// <summary>The same connections and cookies, for a WebSocket.</summary>
    public HttpClient Http => _http;

    /// <summary>Sends one request and follows no redirect.</summary>
    public async Task<Page> SendAsync(HttpMethod method, string address, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        Uri target = Absolute(address);
        using HttpRequestMessage request = new(method, target) { Content = content, Version = _version };
        if (UserAgent is not null)
        {
            request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        }

        foreach ((string name, string value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        HttpResponseMessage response = await AskAsync(request);
        Page page = new(response.StatusCode, target, await response.Content.ReadAsStringAsync(World.Ct), response, [target]);
        WordsOfPages.AssertPersonsPartIsPlain(page, _world.Origin);
        return page;
    }

    /// <summary>A page navigation; follows no redirect.</summary>
    public Task<Page> OpenAsync(string address, string site = "none", params (string Name, string Value)[] headers) => SendAsync(
        HttpMethod.Get,
        address,
        null,
        [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", site),
            .. headers]);

    /// <summary>A page navigation that follows every redirect.</summary>
    public async Task<Page> NavigateAsync(string address, string site = "none")
    {
        List<Uri> trail = [];
        Page page = await OpenAsync(address, site);
        trail.Add(page.Address);
        while ((int)page.Status is >= 300 and < 400 && page.Location is { } location && trail.Count < MostRedirects)
        {
            string next = location.Authority == page.Address.Authority && site != "cross-site" ? "same-origin" : "cross-site";
            page = await OpenAsync(location.AbsoluteUri, next);
            trail.Add(page.Address);
        }

        return page with { Trail = trail };
    }

    /// <summary>Signs in by single sign-on and follows every redirect.</summary>
    public async Task<Page> SignInAsync(string person, string next = "/", string provider = "authentik")
    {
        await SendAsync(HttpMethod.Get, new Uri(_world.Provider.Address, $"if/flow/default-authentication-flow/?person={person}").AbsoluteUri);
        return await NavigateAsync($"{_world.Options.ScriptName}/accounts/oidc/{provider}/login/?next={Uri.EscapeDataString(next)}", "same-origin");
    }

    /// <summary>A request of a script on a page of Paperless; unsafe methods carry the CSRF token as in the app.</summary>
    public Task<Page> FetchAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        List<(string, string)> all
            = [("Accept", "application/json; version=9"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Site", "same-origin")];
        if (method != HttpMethod.Get && method != HttpMethod.Head)
        {
            all.Add(("Origin", _world.Origin));
            if (Cookie("csrftoken") is { } token)
            {
                all.Add(("X-CSRFToken", token));
            }
        }

        all.RemoveAll(one => headers.Any(given => given.Name == one.Item1));
        return SendAsync(method, path, content, [.. all, .. headers]);
    }

    public Task<Page> FetchAsync(string path) => FetchAsync(HttpMethod.Get, path);

    /// <summary>The value of a cookie that is sent to the gateway's origin.</summary>
    public string? Cookie(string name) => Cookies.GetCookies(new Uri(_world.Origin))[name]?.Value;

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> AskAsync(HttpRequestMessage request)
    {
        try
        {
            return await _http.SendAsync(request, World.Ct);
        }
        catch (TaskCanceledException late) when (late.InnerException is TimeoutException)
        {
            throw new TimeoutException($"{request.Method} {request.RequestUri} was not answered in {_http.Timeout.TotalSeconds} seconds.", late);
        }
    }

    private Uri Absolute(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out Uri? absolute) && absolute.Scheme.StartsWith("http", StringComparison.Ordinal)
        ? absolute
        : new Uri(_world.Origin + address);
}
