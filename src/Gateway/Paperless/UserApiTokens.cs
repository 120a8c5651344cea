using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Gateway.Settings;

namespace Gateway.Paperless;

/// <summary>The API token of one Paperless user, as the value of an `Authorization` header.</summary>
internal sealed class UserApiToken(int userId, string token)
{
    private long _verifiedAt;

    public int UserId { get; } = userId;

    public string Authorization { get; } = "Token " + token;

    /// <summary>Whether Paperless was asked about the token less than <paramref name="within"/> ago; notes that it is asked now otherwise.</summary>
    public bool WasVerified(DateTimeOffset now, TimeSpan within)
    {
        long last = Interlocked.Read(ref _verifiedAt);
        return now.UtcTicks - last < within.Ticks || Interlocked.CompareExchange(ref _verifiedAt, now.UtcTicks, last) != last;
    }

    /// <summary>For logs and debuggers: leaves out the token.</summary>
    public override string ToString() => $"API token of user {UserId}";
}

/// <summary>
/// The API tokens of Paperless's users. The gateway sends one in place of a device password, so that the API answers an app exactly as it does with
/// Paperless's own token. They are kept in memory only, and never given to anybody.
/// </summary>
/// <remarks>
/// Paperless shows a token to its owner alone (`GET /api/profile/`), in a session. So the gateway begins one by the user header, reads the token or has
/// Paperless make one, and ends the session.
/// </remarks>
internal sealed class UserApiTokens(GatewaySettings settings, UpstreamClient paperless, UserSessions sessions, TimeProvider time)
{
    private const int MaxTokens = 10_000;

    private const int MaxTokenLength = 200;

    private const int MaxAnswerBytes = 256 * 1024;

    /// <summary>After a failure, requests fail for this long without asking Paperless again.</summary>
    private static readonly TimeSpan FailureBackoff = TimeSpan.FromSeconds(2);

    /// <summary>A refusal that may be about a permission leads to a question about the token this often at most.</summary>
    private static readonly TimeSpan VerifyInterval = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<int, UserApiToken> _tokens = new();
    private readonly Dictionary<int, Task<UserApiToken>> _pending = [];
    private readonly Dictionary<int, (DateTimeOffset At, PaperlessApiException Error)> _failures = [];

    /// <summary>The token in memory; null if it must be fetched.</summary>
    public UserApiToken? Find(int userId) => _tokens.GetValueOrDefault(userId);

    /// <summary>Fetches the token; requests of one user share one question. The caller has checked the account just now.</summary>
    /// <exception cref="PaperlessApiException">Paperless gives no token.</exception>
    public Task<UserApiToken> FetchAsync(int userId, string username, CancellationToken cancellationToken)
    {
        Task<UserApiToken>? fetch;
        lock (_pending)
        {
            if (_failures.TryGetValue(userId, out (DateTimeOffset At, PaperlessApiException Error) failure) && time.GetUtcNow() - failure.At < FailureBackoff)
            {
                return Task.FromException<UserApiToken>(failure.Error);
            }

            if (!_pending.TryGetValue(userId, out fetch))
            {
                _pending[userId] = fetch = RunAsync(userId, username);
            }
        }

        return fetch.WaitAsync(cancellationToken);
    }

    /// <summary>Paperless did not accept the token: its user has made another one.</summary>
    public void Forget(UserApiToken token) => _tokens.TryRemove(KeyValuePair.Create(token.UserId, token));

    /// <summary>Whether Paperless refuses the token itself, and not the request: with `PAPERLESS_ENABLE_HTTP_REMOTE_USER_API` it answers 403 to both.</summary>
    public async Task<bool> IsRefusedAsync(UserApiToken token, CancellationToken cancellationToken)
    {
        if (token.WasVerified(time.GetUtcNow(), VerifyInterval))
        {
            return false;
        }

        UpstreamRequest question = new(HttpMethod.Get, PaperlessPaths.Profile, UserSessions.AnswerTimeout)
        {
            Headers = [("Accept", "application/json"), ("Authorization", token.Authorization)],
        };
        try
        {
            return (await paperless.AskAsync(question, cancellationToken)).Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden;
        }
        catch (UpstreamUnavailableException)
        {
            return false;
        }
    }

    private async Task<UserApiToken> RunAsync(int userId, string username)
    {
        // The caller notes the task before it goes on.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            using CancellationTokenSource timeout = new(FetchTimeout, time);
            UserApiToken token = new(userId, await AskAsync(userId, username, timeout.Token));
            if (_tokens.Count >= MaxTokens)
            {
                // More users than any Paperless has: they are fetched again as they are used.
                _tokens.Clear();
            }

            return _tokens[userId] = token;
        }
        catch (Exception error)
        {
            PaperlessApiException failure = error as PaperlessApiException
                ?? PaperlessFailureText.From(error, isLate: false, paperless.AddressOf(PaperlessPaths.Profile));
            lock (_pending)
            {
                if (_failures.Count >= MaxTokens)
                {
                    _failures.Clear();
                }

                _failures[userId] = (time.GetUtcNow(), failure);
            }

            throw failure;
        }
        finally
        {
            lock (_pending)
            {
                _pending.Remove(userId);
            }
        }
    }

    private async Task<string> AskAsync(int userId, string username, CancellationToken cancellationToken)
    {
        UserSession session = await sessions.BeginAsync(username, cancellationToken);
        try
        {
            await CheckUserAsync(userId, session, cancellationToken);
            using JsonDocument profile = await SendAsync(HttpMethod.Get, PaperlessPaths.Profile, session, cancellationToken);
            if (profile.RootElement is { ValueKind: JsonValueKind.Object } own
                && own.TryGetProperty("auth_token", out JsonElement shown) && Text(shown) is { } token)
            {
                return token;
            }

            using JsonDocument made = await SendAsync(HttpMethod.Post, PaperlessPaths.GenerateToken, session, cancellationToken);
            return Text(made.RootElement) ?? throw PaperlessFailureText.Unreadable(paperless.AddressOf(PaperlessPaths.GenerateToken));
        }
        finally
        {
            await sessions.EndAsync(session, "-");
        }
    }

    /// <summary>The user may have been renamed since the account was checked. A user without the permission to see it is taken at the name.</summary>
    /// <exception cref="PaperlessUnavailableException">The session is another user's.</exception>
    private async Task CheckUserAsync(int userId, UserSession session, CancellationToken cancellationToken)
    {
        UpstreamResponse answer = await AskAsync(HttpMethod.Get, PaperlessPaths.UiSettings, session, cancellationToken);
        if (answer.Status == HttpStatusCode.Forbidden)
        {
            return;
        }

        using JsonDocument settingsOfUser = Parse(answer, PaperlessPaths.UiSettings);
        bool isSame = settingsOfUser.RootElement is { ValueKind: JsonValueKind.Object } root
            && root.TryGetProperty("user", out JsonElement user) && user.ValueKind == JsonValueKind.Object
            && user.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int found) && found == userId;
        if (!isSame)
        {
            throw new PaperlessUnavailableException($"{answer.Address} is about another user than {userId}", PaperlessFault.ErrorStatus);
        }
    }

    private async Task<JsonDocument> SendAsync(HttpMethod method, string path, UserSession session, CancellationToken cancellationToken)
    {
        UpstreamResponse answer = await AskAsync(method, path, session, cancellationToken);
        return answer.Status == HttpStatusCode.OK ? Parse(answer, path) : throw PaperlessFailureText.Answered(method, answer.Address, answer.Status);
    }

    private async Task<UpstreamResponse> AskAsync(HttpMethod method, string path, UserSession session, CancellationToken cancellationToken)
    {
        string cookies = $"{settings.Paperless.SessionCookie}={session.Value}";
        UpstreamRequest request = new(method, path, UserSessions.AnswerTimeout)
        {
            MaxResponseBytes = MaxAnswerBytes,
            Json = method == HttpMethod.Post ? "{}"u8.ToArray() : null,
            Headers = session.CsrfToken is not { } csrf
                ? [("Accept", "application/json"), ("Cookie", cookies)]
                :
                [
                    ("Accept", "application/json"),
                    ("Cookie", $"{cookies}; {settings.Paperless.CsrfCookie}={csrf}"),
                    ("X-CSRFToken", csrf),
                    ("Origin", settings.Public.Origin),
                    ("Referer", settings.Public.Origin + settings.ScriptName + "/"),
                ],
        };
        try
        {
            return await paperless.AskAsync(request, cancellationToken);
        }
        catch (UpstreamUnavailableException unavailable)
        {
            throw new PaperlessUnavailableException(unavailable.Message, unavailable.Fault, unavailable);
        }
    }

    private JsonDocument Parse(UpstreamResponse answer, string path)
    {
        try
        {
            return JsonDocument.Parse(answer.Body);
        }
        catch (JsonException error)
        {
            throw PaperlessFailureText.Unreadable(paperless.AddressOf(path), error);
        }
    }

    private static string? Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= MaxTokenLength } text && text.All(char.IsAsciiLetterOrDigit)
            ? text
            : null;
}
