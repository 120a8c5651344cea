using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gateway.Accounts;
using Gateway.Paperless;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>One replica of Paperless: whether it is Paperless, the API token, and whether it believes the user header.</summary>
/// <remarks>The page that is asked for with the user header begins a session in Paperless, which is ended again.</remarks>
internal sealed class PaperlessCheck(
    Uri upstream,
    GatewaySettings settings,
    ApiToken token,
    AppBranding branding,
    RemoteUserStatus remoteUser,
    Outbound outbound,
    TimeProvider time) : ICheck
{
    private const int MaxBodyBytes = 1024 * 1024;

    private const int OldestMajorVersion = 3;

    private const string SetToken = "Set GATEWAY_PAPERLESS_TOKEN to the API token of a superuser";

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(8);

    public string Subject { get; } = $"Paperless at {upstream.GetLeftPart(UriPartial.Authority)}";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        if (ExampleHost.IsExample(upstream.Host))
        {
            return [Finding.Skipped(Subject, "not asked, because it is an example's")];
        }

        SocketsHttpHandler handler = outbound.CreateHandler();

        // As for forwarded requests: the owner of the token may have a name with other letters.
        handler.RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1;
        using HttpClient client = new(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxBodyBytes };
        string credential;
        try
        {
            credential = await token.GetAsync(cancel);
        }
        catch (PaperlessCredentialException wrong)
        {
            return [TokenProblem(wrong.Message.TrimEnd('.'), SetToken)];
        }
        catch (PaperlessApiException away)
        {
            return [Unreachable($"it gives no API token ({away.Message.TrimEnd('.')})")];
        }

        PaperlessAnswer answer;
        try
        {
            answer = await AskAsync(client, "/api/ui_settings/", ("Authorization", $"Token {credential}"), cancel);
        }
        catch (HttpRequestException error)
        {
            return [Unreachable(FailureOf(error))];
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return [Unreachable($"it did not answer in {AnswerTimeout.TotalSeconds:0} s")];
        }

        (Finding first, Owner? owner) = JudgeOwner(answer);
        List<Finding> findings = [first];
        if (owner is not null)
        {
            findings.AddRange(JudgeVersion(owner.Version));
            if (Username.CanBeSent(owner.Username))
            {
                findings.Add(await RemoteUserAsync(client, owner.Username, cancel));
            }
        }

        if (ClockFinding.Of($"{Subject}: clock", answer.Date, time.GetUtcNow()) is { } clock)
        {
            findings.Add(clock);
        }

        return findings;
    }

    private string TokenSubject => $"{Subject}: API token";

    private Finding TokenProblem(string seen, string remedy) => Finding.Problem(TokenSubject, seen, remedy) with { PreventsSignIn = true };

    private Finding Unreachable(string reason) => Finding.Problem(
        Subject,
        $"{upstream} cannot be used: {reason}",
        "Check GATEWAY_UPSTREAM_URL, and that Paperless runs in a network that the gateway reaches");

    /// <returns>The finding, and the owner of the token where the token is a superuser's.</returns>
    private (Finding Finding, Owner? Owner) JudgeOwner(PaperlessAnswer answer)
    {
        if (answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            string remedy = $"{token.Source} is not valid: set GATEWAY_PAPERLESS_TOKEN to the API token of a superuser";
            return (TokenProblem($"Paperless refuses it ({(int)answer.Status})", remedy), null);
        }

        if (answer.Status != HttpStatusCode.OK || ReadOwner(answer.Body) is not { } owner)
        {
            return (JudgeStranger(answer), null);
        }

        branding.Learn(answer.Body);
        if (!owner.IsSuperuser)
        {
            return (TokenProblem($"it belongs to {owner.Username}, who is no superuser", SetToken), null);
        }

        string version = owner.Version ?? "of an unknown version";
        return (Finding.Good(Subject, $"Paperless-ngx {version}, API token of {owner.Username}"), owner);
    }

    /// <summary>Older versions may have the API and lack what the gateway needs besides.</summary>
    private IEnumerable<Finding> JudgeVersion(string? version)
    {
        if (Version.TryParse(version?.Split('-', ' ')[0], out Version? parsed) && parsed.Major < OldestMajorVersion)
        {
            yield return Finding.Warning(
                Subject, $"the gateway is tested with Paperless-ngx {OldestMajorVersion}.0 and newer, not with {version}", "Update Paperless");
        }
    }

    private Finding JudgeStranger(PaperlessAnswer answer)
    {
        string asked = $"{upstream.GetLeftPart(UriPartial.Authority)}{settings.ScriptName}/api/ui_settings/";
        string seen = $"{asked} answered {(int)answer.Status} instead of Paperless's settings";
        return answer.Status switch
        {
            HttpStatusCode.BadRequest => Finding.Problem(
                Subject,
                seen,
                $"Paperless does not know the host {settings.Public.Authority}: set PAPERLESS_URL of Paperless to {settings.Public.Origin}, too"),
            HttpStatusCode.NotFound => Finding.Problem(
                Subject, seen, "Check GATEWAY_UPSTREAM_URL; PAPERLESS_FORCE_SCRIPT_NAME must be the same for Paperless and for the gateway"),
            HttpStatusCode.NotAcceptable => Finding.Problem(
                Subject, seen, "This version of Paperless does not offer version 9 of its API: use Paperless-ngx 3.0 or newer"),
            >= HttpStatusCode.Ambiguous and < HttpStatusCode.BadRequest => Finding.Problem(
                Subject,
                seen,
                "Another program answers there: check GATEWAY_UPSTREAM_URL; or PAPERLESS_FORCE_SCRIPT_NAME is not the same for Paperless and for the gateway"),
            >= HttpStatusCode.InternalServerError => Finding.Problem(Subject, seen, "Look at Paperless's log"),
            _ => Finding.Problem(Subject, seen, "Another program answers there: check GATEWAY_UPSTREAM_URL"),
        };
    }

    private async Task<Finding> RemoteUserAsync(HttpClient client, string owner, CancellationToken cancel)
    {
        string subject = $"{Subject}: user header";
        string header = settings.Paperless.UserHeader;
        try
        {
            PaperlessAnswer page = await AskAsync(client, "/", (header, owner), cancel);
            string? session = page.Cookie(settings.Paperless.SessionCookie);
            await SignOutAsync(client, page, cancel);

            if (page.Status == HttpStatusCode.OK)
            {
                return session is not null || page.Cookies.Count == 0
                    ? Finding.Good(subject, $"Paperless takes the user from {header}")
                    : Finding.Problem(
                        subject,
                        $"Paperless's session cookie is not called {settings.Paperless.SessionCookie}",
                        "Set PAPERLESS_COOKIE_PREFIX to the same value for Paperless and for the gateway");
            }

            return (int)page.Status is >= 300 and < 400
                ? Finding.Problem(subject, $"Paperless ignores {header} and asks the person to sign in", remoteUser.Remedy.TrimEnd('.'))
                : Finding.Problem(subject, $"Paperless answers {(int)page.Status} to a page with {header}", "Look at Paperless's log");
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return Finding.Problem(subject, "Paperless did not answer the request for its start page", "Look at Paperless's log");
        }
    }

    /// <summary>Ends the session that the user header began, whatever its cookie is called.</summary>
    private async Task SignOutAsync(HttpClient client, PaperlessAnswer page, CancellationToken cancel)
    {
        if (page.Cookies.FirstOrDefault(line => line.Split('=')[0].EndsWith("sessionid", StringComparison.Ordinal)) is not { } cookie)
        {
            return;
        }

        try
        {
            await AskAsync(client, "/accounts/logout/", ("Cookie", cookie.Split(';')[0]), cancel);
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // It expires there. The question itself was answered.
        }
    }

    private async Task<PaperlessAnswer> AskAsync(HttpClient client, string path, (string Name, string Value) header, CancellationToken cancel)
    {
        using Deadline deadline = new(AnswerTimeout, time, cancel);
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(upstream, settings.ScriptName + path));
        request.Headers.Host = settings.Public.Authority;
        request.Headers.Accept.Add(path.StartsWith("/api/", StringComparison.Ordinal)
            ? MediaTypeWithQualityHeaderValue.Parse("application/json; version=9")
            : new MediaTypeWithQualityHeaderValue("text/html"));
        request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        foreach ((string name, string value) in settings.SchemeHeaders)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using HttpResponseMessage response = await client.SendAsync(request, deadline.Token);
        string[] cookies = response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? lines) ? [.. lines] : [];
        return new PaperlessAnswer(response.StatusCode, await response.Content.ReadAsByteArrayAsync(deadline.Token), cookies, response.Headers.Date);
    }

    private static Owner? ReadOwner(byte[] body)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(body);
            JsonElement user = json.RootElement.GetProperty("user");
            string? version = json.RootElement.TryGetProperty("settings", out JsonElement values) && values.TryGetProperty("version", out JsonElement text)
                ? text.ToString()
                : null;
            return new Owner(user.GetProperty("username").GetString()!, user.GetProperty("is_superuser").GetBoolean(), version);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string FailureOf(HttpRequestException error) => error.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => "its host name is not known",
        HttpRequestError.ConnectionError => "nothing listens there, or the connection is blocked",
        HttpRequestError.SecureConnectionError => "it does not speak TLS on this port, or its certificate is not trusted",
        HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded => "it does not answer in HTTP; does it expect https?",
        HttpRequestError.ConfigurationLimitExceeded => "its answer is too large for Paperless's",
        _ => "the connection broke",
    };

    private sealed record Owner(string Username, bool IsSuperuser, string? Version);

    private sealed record PaperlessAnswer(HttpStatusCode Status, byte[] Body, IReadOnlyList<string> Cookies, DateTimeOffset? Date)
    {
        public string? Cookie(string name) => Cookies
            .Where(line => line.StartsWith(name + "=", StringComparison.Ordinal))
            .Select(line => line[(name.Length + 1)..].Split(';')[0])
            .FirstOrDefault(value => value.Length > 0);
    }
}
