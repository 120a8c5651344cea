using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gateway.StandIns.Paperless;

namespace Gateway.Tests.StandIns;

/// <summary>A plain client: follows no redirect, keeps no cookie, sends headers as Latin-1.</summary>
internal sealed class PaperlessClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly CancellationToken _ct;

    public PaperlessClient(StandInPaperless paperless)
        : this(paperless.Address, Ct)
    {
    }

    public PaperlessClient(Uri address, CancellationToken ct)
    {
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        })
        {
            BaseAddress = address,
        };
        _ct = ct;
    }

    public Uri Address => _http.BaseAddress!;

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _http.Dispose();

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, headers);

    public Task<HttpResponseMessage> PostAsync(string path, HttpContent? content, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, content, headers);

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new HttpRequestMessage(method, path) { Content = content };
        foreach ((string? name, string? value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _ct);
    }

    public async Task<JsonElement> JsonAsync(string path, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage response = await GetAsync(path, headers);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await JsonAsync(response);
    }

    public static Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        response.Content.ReadFromJsonAsync<JsonElement>(Ct);

    public static Task<string> TextAsync(HttpResponseMessage response) => response.Content.ReadAsStringAsync(Ct);

    /// <summary>Opens a page with the header; gives the Cookie and the CSRF token that come of it.</summary>
    public async Task<(string Cookie, string Token)> EnterAsync(string user)
    {
        using HttpResponseMessage response = await GetAsync("/dashboard", ("Remote-User", user));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        string token = SetCookie(response, "csrftoken")!.Split('=', 2)[1].Split(';')[0];
        return ($"{SetCookie(response, "sessionid")!.Split(';')[0]}; csrftoken={token}", token);
    }

    /// <summary>The whole Set-Cookie line of that name.</summary>
    public static string? SetCookie(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? lines)
            ? lines.SingleOrDefault(line => line.StartsWith(name + "=", StringComparison.Ordinal))
            : null;

    public static (string Name, string Value) Token(string token) => ("Authorization", "Token " + token);

    public static (string Name, string Value) Cookie(string cookie) => ("Cookie", cookie);

    public static (string Name, string Value) RemoteUser(string name) => ("Remote-User", name);

    public static StringContent Json(string json)
    {
        StringContent content = new StringContent(json);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    /// <summary>Content whose length nobody knows, so that it is sent chunked.</summary>
    public static HttpContent Chunked(string text, string mediaType)
    {
        StreamContent content = new StreamContent(new UnseekableStream(Encoding.UTF8.GetBytes(text)));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
        return content;
    }

    private sealed class UnseekableStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
