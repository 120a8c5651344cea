using System.Net;
using System.Text.Json;
using Gateway.Paperless;
using Gateway.Settings;

namespace Gateway.PasswordSessions;

/// <summary>Asks Paperless for the user of a session cookie, with a limit on time and size.</summary>
internal sealed partial class PasswordSessionQuery(
    PaperlessSettings settings,
    UpstreamClient paperless,
    AppBranding branding,
    ILogger<PasswordSessionQuery> logger)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The response also contains the settings of Paperless's page.</summary>
    private const int MaxResponseBytes = 1024 * 1024;

    /// <param name="checkedAt">The time of the request, which becomes the session's <see cref="PasswordSession.CheckedAt"/>.</param>
    public async Task<PasswordSessionResult> AskAsync(string cookie, DateTimeOffset checkedAt)
    {
        try
        {
            UpstreamResponse response = await GetAsync("/api/ui_settings/", cookie);
            switch (response.Status)
            {
                case HttpStatusCode.OK:
                    branding.Learn(response.Body);
                    return Read(response.Body, checkedAt) is { } session
                        ? new PasswordSessionResult(PasswordSessionStatus.SignedIn, session)
                        : Unanswered(PaperlessFailureText.Unreadable(response.Address));

                case HttpStatusCode.Unauthorized:
                    return PasswordSessionResult.NotSignedIn;

                // Not signed in, with PAPERLESS_ENABLE_HTTP_REMOTE_USER_API; or signed in without the permission view_uisettings.
                case HttpStatusCode.Forbidden:
                    UpstreamResponse profile = await GetAsync("/api/profile/", cookie);
                    return profile.Status switch
                    {
                        HttpStatusCode.OK => PasswordSessionResult.PermissionMissing,
                        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => PasswordSessionResult.NotSignedIn,
                        _ => Unanswered(PaperlessFailureText.Answered(HttpMethod.Get, profile.Address, profile.Status)),
                    };

                default:
                    return Unanswered(PaperlessFailureText.Answered(HttpMethod.Get, response.Address, response.Status));
            }
        }
        catch (UpstreamUnavailableException unavailable)
        {
            return Unanswered(new PaperlessUnavailableException(unavailable.Message, unavailable.Fault, unavailable));
        }
    }

    /// <summary>Without the user header, which would override the cookie.</summary>
    private Task<UpstreamResponse> GetAsync(string path, string cookie)
    {
        UpstreamRequest request = new(HttpMethod.Get, path, AnswerTimeout)
        {
            Headers = [("Accept", "application/json; version=9"), ("Cookie", $"{settings.SessionCookie}={cookie}")],
            MaxResponseBytes = MaxResponseBytes,
        };
        return paperless.AskAsync(request, CancellationToken.None);
    }

    private static PasswordSession? Read(byte[] body, DateTimeOffset checkedAt)
    {
        try
        {
            using JsonDocument response = JsonDocument.Parse(body);
            JsonElement user = response.RootElement.GetProperty("user");
            int id = user.GetProperty("id").GetInt32();
            string? name = user.GetProperty("username").GetString();
            bool isSuperuser = user.TryGetProperty("is_superuser", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
            return id > 0 && !string.IsNullOrEmpty(name) ? new PasswordSession(id, name, isSuperuser, checkedAt) : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private PasswordSessionResult Unanswered(PaperlessUnavailableException failure)
    {
        PasswordSessionUnanswered(failure.Message);
        return PasswordSessionResult.Unknown(failure);
    }

    [LoggerMessage(
        EventId = 5020,
        EventName = "PasswordSessionUnanswered",
        Level = LogLevel.Warning,
        Message = "Paperless did not tell the user of a password session ({Reason}). The request of the session is refused; try again when Paperless answers")]
    private partial void PasswordSessionUnanswered(string reason);
}
