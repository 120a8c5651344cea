using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Providers;

namespace Gateway.Operations;

/// <summary>What went wrong at authentik's API, with the address that was asked and one remedy.</summary>
internal sealed class AuthentikApiException(string message) : Exception(message);

/// <summary>authentik's API (version 3), with a time limit for each request and for all of them.</summary>
internal sealed class AuthentikApi : IDisposable
{
    private const int MaxAnswerBytes = 4 * 1024 * 1024;

    private const int MaxPages = 50;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan WholeTimeout = TimeSpan.FromSeconds(90);

    private readonly HttpClient _http;

    private readonly CancellationTokenSource _whole;

    /// <param name="authentik">authentik's address, without a path.</param>
    public AuthentikApi(Uri authentik, string token, CancellationToken cancel)
    {
        // A redirect could lead the token elsewhere.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = new Uri(authentik, "/api/v3/"),
            Timeout = RequestTimeout,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        _whole = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _whole.CancelAfter(WholeTimeout);
    }

    public void Dispose()
    {
        _http.Dispose();
        _whole.Dispose();
    }

    /// <returns>Null where authentik has no such object.</returns>
    public async Task<JsonObject?> FindAsync(string path)
    {
        (HttpStatusCode status, JsonNode? answer) = await AskAsync(HttpMethod.Get, path, body: null);
        return status == HttpStatusCode.NotFound ? null : AsObject(answer, HttpMethod.Get, path);
    }

    /// <summary>Every object of a list, page by page.</summary>
    /// <param name="query">Without `page`.</param>
    public async Task<IReadOnlyList<JsonObject>> ListAsync(string path, string query)
    {
        List<JsonObject> all = [];
        int page = 1;
        for (int asked = 0; page > 0 && asked < MaxPages; asked++)
        {
            string pagePath = $"{path}?{query}&page={page}";
            (_, JsonNode? answer) = await AskAsync(HttpMethod.Get, pagePath, body: null);
            JsonObject list = AsObject(answer, HttpMethod.Get, pagePath);
            if (list["results"] is not JsonArray results)
            {
                throw Unreadable(HttpMethod.Get, pagePath);
            }

            all.AddRange(results.OfType<JsonObject>());
            page = Number(list["pagination"]?["next"]);
        }

        return all;
    }

    /// <returns>The object as it is now.</returns>
    public async Task<JsonObject> SendAsync(HttpMethod method, string path, JsonObject body)
    {
        (HttpStatusCode status, JsonNode? answer) = await AskAsync(method, path, body);
        return status == HttpStatusCode.NotFound
            ? throw new AuthentikApiException($"{Asked(method, path)} answered 404: {Detail(answer)}. Run setup again; something was deleted meanwhile.")
            : AsObject(answer, method, path);
    }

    /// <returns>A successful answer, or 404.</returns>
    private async Task<(HttpStatusCode Status, JsonNode? Answer)> AskAsync(HttpMethod method, string path, JsonObject? body)
    {
        HttpResponseMessage response;
        string text;
        using HttpRequestMessage request = new(method, path);
        if (body is not null)
        {
            request.Content = JsonContent.Create<JsonNode>(body);
        }

        try
        {
            response = await _http.SendAsync(request, _whole.Token);
            text = await response.Content.ReadAsStringAsync(_whole.Token);
        }
        catch (OperationCanceledException)
        {
            throw new AuthentikApiException(
                $"{Asked(method, path)} did not answer in time. Check that authentik runs, and that no firewall drops the connection.");
        }
        catch (HttpRequestException failed)
        {
            throw new AuthentikApiException(
                $"{Asked(method, path)} could not be asked: {ProviderFailureText.Innermost(failed)}. Check --provider-url, and that authentik runs. "
                + "If the certificate is not trusted, set SSL_CERT_DIR to a directory with that of its authority.");
        }

        using (response)
        {
            JsonNode? answer = Parse(text);
            return response.IsSuccessStatusCode || (response.StatusCode == HttpStatusCode.NotFound && answer is JsonObject)
                ? (response.StatusCode, answer)
                : throw Refused(method, path, response, answer);
        }
    }

    private AuthentikApiException Refused(HttpMethod method, string path, HttpResponseMessage response, JsonNode? answer)
    {
        int status = (int)response.StatusCode;
        string answered = $"{Asked(method, path)} answered {status}";
        if (response.Headers.Location is { } target)
        {
            return new AuthentikApiException($"{answered}, a redirect to {target}. Write authentik's own address in --provider-url, with the right scheme.");
        }

        if (answer is not JsonObject)
        {
            return new AuthentikApiException(status >= 500
                ? $"{answered}. authentik may still be starting: try again in a minute, and look at its log."
                : $"{answered}, and not as authentik's API does. Check that --provider-url is authentik's address.");
        }

        // authentik says 403 of an unknown token, too: its API has no WWW-Authenticate.
        bool isTokenUnknown = status == 401 || Detail(answer).Contains("Token invalid", StringComparison.Ordinal);
        if (isTokenUnknown)
        {
            return new AuthentikApiException($"{answered}: {Detail(answer)}. authentik does not know this token. Make one in its admin interface, "
                + "Directory → Tokens and App passwords, with the intent \"API Token\".");
        }

        return new AuthentikApiException(status switch
        {
            403 => $"{answered}: {Detail(answer)}. The token's user lacks the permission. Take the token of a member of \"authentik Admins\".",
            400 => $"{answered}: {Detail(answer)}. authentik does not take these values: change them there, or apply the blueprint yourself.",
            _ => $"{answered}: {Detail(answer)}. The log of authentik has the reason.",
        });
    }

    /// <summary>`detail`, or what each field says: `{"name": ["This field must be unique."]}`.</summary>
    private static string Detail(JsonNode? answer)
    {
        if (answer is not JsonObject fields)
        {
            return "no reason is given";
        }

        IEnumerable<string> parts = fields["detail"] is JsonValue detail
            ? [detail.ToString()]
            : fields.Select(field => $"{field.Key}: {Reasons(field.Value)}");
        return SignedTokenCheck.Truncate(string.Join("; ", parts).TrimEnd('.'));
    }

    private static string Reasons(JsonNode? reasons) =>
        reasons is JsonArray several ? string.Join(' ', several.Select(reason => reason?.ToString())) : reasons?.ToString() ?? "";

    private JsonObject AsObject(JsonNode? answer, HttpMethod method, string path) => answer as JsonObject ?? throw Unreadable(method, path);

    private AuthentikApiException Unreadable(HttpMethod method, string path) =>
        new($"{Asked(method, path)} did not answer as authentik's API does. Check that --provider-url is authentik's address.");

    private string Asked(HttpMethod method, string path) => $"{method} {new Uri(_http.BaseAddress!, path)}";

    private static int Number(JsonNode? number) => number is JsonValue value && value.TryGetValue(out int found) ? found : 0;

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
