using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Gateway.Benchmarks;

/// <summary>One visit of one person: sign-in, pages, questions to the API, uploads, a WebSocket, and most often a logout. Every answer is checked.</summary>
internal sealed class SoakVisit : IDisposable
{
    public const string LetterPrefix = "Letter to ";

    private const int UploadBytes = 1024 * 1024;
    private const int SocketMessages = 200;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);

    private readonly Uri _gateway;
    private readonly string _person;
    private readonly SoakTally _tally;
    private readonly CookieContainer _cookies = new();
    private readonly HttpClient _browser;
    private readonly HttpClient _script;
    private ClientWebSocket? _socket;

    public SoakVisit(Uri gateway, string person, SoakTally tally)
    {
        _gateway = gateway;
        _person = person;
        _tally = tally;
        _browser = new HttpClient(new SocketsHttpHandler { CookieContainer = _cookies }) { BaseAddress = gateway, Timeout = AnswerTimeout };
        _script = new HttpClient(new SocketsHttpHandler { CookieContainer = _cookies, AllowAutoRedirect = false })
        {
            BaseAddress = gateway,
            Timeout = AnswerTimeout,
        };
        _browser.DefaultRequestHeaders.Add("Accept", "text/html");
        _browser.DefaultRequestHeaders.Add("Sec-Fetch-Mode", "navigate");
        _browser.DefaultRequestHeaders.Add("Sec-Fetch-Dest", "document");
        _script.DefaultRequestHeaders.Add("Accept", "application/json; version=9");
        _script.DefaultRequestHeaders.Add("Sec-Fetch-Mode", "cors");
        _script.DefaultRequestHeaders.Add("Sec-Fetch-Dest", "empty");
        _script.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
    }

    /// <returns>Whether the person is in, with Paperless's page open.</returns>
    public async Task<bool> SignInAsync(Uri provider)
    {
        bool isIn = await TryAsync("the sign-in", async () =>
        {
            using HttpResponseMessage chosen = await _browser.GetAsync(new Uri(provider, $"if/flow/default-authentication-flow/?person={_person}"));
            using HttpResponseMessage page = await _browser.GetAsync("/accounts/oidc/authentik/login/?next=%2Fdashboard");
            string text = await page.Content.ReadAsStringAsync();
            return page.StatusCode == HttpStatusCode.OK && text.Contains($"content=\"{_person}\"", StringComparison.Ordinal)
                ? null
                : Failure.Of(page.StatusCode, text);
        });
        if (isIn)
        {
            _tally.CountSignIn();
            await TryAsync("the WebSocket", OpenSocketAsync);
        }

        return isIn;
    }

    /// <summary>The page reads who is signed in; a stranger's name there is the worst of all wrong answers.</summary>
    public Task AskWhoAsync() => AskAsync("/api/ui_settings/", answer => answer.GetProperty("user").GetProperty("username").GetString() == _person);

    /// <summary>Each person sees their own letter and nobody else's.</summary>
    public Task AskDocumentsAsync() => AskAsync("/api/documents/?ordering=title&page_size=100000", answer =>
    {
        string[] letters = [.. answer.GetProperty("results").EnumerateArray().Select(one => one.GetProperty("title").GetString()!)
            .Where(title => title.StartsWith(LetterPrefix, StringComparison.Ordinal))];
        return letters is [var only] && only == LetterPrefix + _person;
    });

    public Task OpenPageAsync() => TryAsync("/dashboard", async () =>
    {
        using HttpResponseMessage page = await _browser.GetAsync("/dashboard");
        string text = await page.Content.ReadAsStringAsync();
        return page.StatusCode == HttpStatusCode.OK && text.Contains($"content=\"{_person}\"", StringComparison.Ordinal)
            ? null
            : Failure.Of(page.StatusCode, text);
    });

    public async Task UploadAsync()
    {
        bool isDone = await TryAsync("the upload", async () =>
        {
            using MultipartFormDataContent form = new() { { new ByteArrayContent(new byte[UploadBytes]), "document", "scan.pdf" } };
            using HttpRequestMessage request = Post("/api/documents/post_document/", form);
            using HttpResponseMessage answer = await _script.SendAsync(request);
            string text = await answer.Content.ReadAsStringAsync();
            return answer.StatusCode == HttpStatusCode.OK && Guid.TryParse(text.Trim('"'), out _) ? null : Failure.Of(answer.StatusCode, text);
        });
        if (isDone)
        {
            _tally.CountUpload();
        }
    }

    public async Task SendMessageAsync()
    {
        if (_socket is { State: WebSocketState.Open } socket && await TryAsync("the WebSocket", () => EchoAsync(socket)))
        {
            _tally.CountMessage();
        }
    }

    /// <summary>Afterwards the cookie is worth nothing, and the WebSocket ends.</summary>
    public async Task SignOutAsync()
    {
        string cookies = _cookies.GetCookieHeader(_gateway);
        bool isOut = await TryAsync("the logout", async () =>
        {
            using HttpRequestMessage request = Post("/accounts/logout/", content: null);
            using HttpResponseMessage answer = await _script.SendAsync(request);
            return answer.StatusCode == HttpStatusCode.SeeOther ? null : Failure.Of(answer.StatusCode, "");
        });
        if (!isOut)
        {
            return;
        }

        _tally.CountSignOut();
        await TryAsync("a request after the logout", async () =>
        {
            using HttpClient thief = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { Timeout = AnswerTimeout };
            using HttpRequestMessage request = new(HttpMethod.Get, new Uri(_gateway, "/api/ui_settings/"));
            request.Headers.Add("Cookie", cookies);
            request.Headers.Add("Accept", "application/json");
            using HttpResponseMessage answer = await thief.SendAsync(request);
            return answer.StatusCode == HttpStatusCode.Unauthorized ? null : Failure.Of(answer.StatusCode, "");
        });
        if (_socket is { State: WebSocketState.Open } socket)
        {
            await TryAsync("the WebSocket after the logout", () => EndsAsync(socket));
        }
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _browser.Dispose();
        _script.Dispose();
    }

    private Task<bool> AskAsync(string path, Func<JsonElement, bool> isRight) => TryAsync(path, async () =>
    {
        using HttpResponseMessage answer = await _script.GetAsync(path);
        string text = await answer.Content.ReadAsStringAsync();
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            return Failure.Of(answer.StatusCode, text);
        }

        using JsonDocument json = JsonDocument.Parse(text);
        return isRight(json.RootElement) ? null : Failure.Of(answer.StatusCode, text);
    });

    private async Task<Failure?> OpenSocketAsync()
    {
        _socket = new ClientWebSocket();
        _socket.Options.SetRequestHeader("Cookie", _cookies.GetCookieHeader(_gateway));
        _socket.Options.SetRequestHeader("Origin", _gateway.GetLeftPart(UriPartial.Authority));
        using CancellationTokenSource late = new(AnswerTimeout);
        await _socket.ConnectAsync(new UriBuilder(new Uri(_gateway, "/ws/status/")) { Scheme = "ws" }.Uri, late.Token);
        return null;
    }

    private static async Task<Failure?> EchoAsync(ClientWebSocket socket)
    {
        string sent = Guid.NewGuid().ToString();
        using CancellationTokenSource late = new(AnswerTimeout);
        await socket.SendAsync(Encoding.UTF8.GetBytes(sent), WebSocketMessageType.Text, endOfMessage: true, late.Token);
        byte[] buffer = new byte[4096];

        // Between the two there are the messages about everybody's uploads.
        for (int message = 0; message < SocketMessages; message++)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), late.Token);
            if (Encoding.UTF8.GetString(buffer, 0, received.Count) == sent)
            {
                return null;
            }
        }

        return new Failure(null, "the message did not come back");
    }

    private static async Task<Failure?> EndsAsync(ClientWebSocket socket)
    {
        using CancellationTokenSource late = new(AnswerTimeout);
        byte[] buffer = new byte[4096];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), late.Token)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (WebSocketException)
        {
            // Cut off, which is an end as well.
        }

        return null;
    }

    private HttpRequestMessage Post(string path, HttpContent? content)
    {
        HttpRequestMessage request = new(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Origin", _gateway.GetLeftPart(UriPartial.Authority));
        request.Headers.Add("X-CSRFToken", _cookies.GetCookies(_gateway)["csrftoken"]?.Value ?? "");
        return request;
    }

    /// <returns>Whether it went as it should. While Redis is away it need not.</returns>
    private async Task<bool> TryAsync(string what, Func<Task<Failure?>> doAsync)
    {
        bool wasAway = _tally.IsRedisAway;
        _tally.CountRequest();
        Failure? failure;
        try
        {
            failure = await doAsync();
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or WebSocketException or JsonException)
        {
            failure = new Failure(null, error.Message);
        }

        if (failure is null)
        {
            return true;
        }

        if ((wasAway || _tally.IsRedisAway) && failure.IsUnavailable)
        {
            _tally.CountRefused();
        }
        else
        {
            _tally.CountWrong($"{what} of {_person}: {failure}");
        }

        return false;
    }

    /// <param name="Status">Null: there was no answer.</param>
    private sealed record Failure(HttpStatusCode? Status, string Text)
    {
        private const int LettersShown = 200;

        public bool IsUnavailable => Status is null or HttpStatusCode.ServiceUnavailable;

        public static Failure Of(HttpStatusCode status, string text) => new(status, text.Length > LettersShown ? text[..LettersShown] : text);
    }
}
