using System.Net;
using System.Text.Json;
using Gateway.Paperless;
using Gateway.Settings;

namespace Gateway.PasswordSessions;

/// <summary>Asks Paperless whose a session cookie of its own is: with that cookie alone, within a bounded time and size.</summary>
internal sealed partial class PasswordSessionQuery(GatewaySettings settings, UpstreamClient paperless, ILogger<PasswordSessionQuery> logger)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Bytes; the answer carries the settings of the page, too.</summary>
    private const int LargestAnswer = 1024 * 1024;

    /// <param name="at">When the question was asked, for the session that comes of it.</param>
    public async Task<PasswordSessionResult> AskAsync(string cookie, DateTimeOffset at)
    {
        try
        {
            UpstreamAnswer answer = await GetAsync("/api/ui_settings/", cookie);
            switch (answer.Status)
            {
                case HttpStatusCode.OK:
                    return Read(answer.Body, at) is { } session
                        ? new PasswordSessionResult(PasswordSessionStatus.Somebody, session)
                        : Unreadable("/api/ui_settings/");

                case HttpStatusCode.Unauthorized:
                    return PasswordSessionResult.Nobody;

                // Nobody where the API knows the user header, too; or somebody without the permission view_uisettings.
                case HttpStatusCode.Forbidden:
                    UpstreamAnswer profile = await GetAsync("/api/profile/", cookie);
                    return profile.Status switch
                    {
                        HttpStatusCode.OK => PasswordSessionResult.Unnamed,
                        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => PasswordSessionResult.Nobody,
                        _ => Unreadable($"{(int)profile.Status} at /api/profile/"),
                    };

                default:
                    return Unreadable($"{(int)answer.Status} at /api/ui_settings/");
            }
        }
        catch (UpstreamUnavailableException unavailable)
        {
            Unanswered(unavailable.Message);
            return PasswordSessionResult.Unknown;
        }
    }

    /// <summary>Without the user header: it would answer for the cookie.</summary>
    private Task<UpstreamAnswer> GetAsync(string path, string cookie)
    {
        UpstreamQuestion question = new(HttpMethod.Get, path, AnswerTimeout)
        {
            Headers = [("Accept", "application/json; version=9"), ("Cookie", $"{settings.Paperless.SessionCookie}={cookie}")],
            LargestAnswer = LargestAnswer,
        };
        return paperless.AskAsync(question, CancellationToken.None);
    }

    private static PasswordSession? Read(byte[] body, DateTimeOffset at)
    {
        try
        {
            using JsonDocument answer = JsonDocument.Parse(body);
            JsonElement user = answer.RootElement.GetProperty("user");
            int id = user.GetProperty("id").GetInt32();
            string? name = user.GetProperty("username").GetString();
            bool superuser = user.TryGetProperty("is_superuser", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
            return id > 0 && !string.IsNullOrEmpty(name) ? new PasswordSession(id, name, superuser, at) : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private PasswordSessionResult Unreadable(string what)
    {
        Unanswered($"its answer says nothing of it: {what}");
        return PasswordSessionResult.Unknown;
    }

    [LoggerMessage(
        EventId = 5020,
        EventName = "PasswordSessionUnanswered",
        Level = LogLevel.Warning,
        Message = "Paperless was asked whose a session of its own is, and did not say ({Reason})")]
    private partial void Unanswered(string reason);
}
