using System.Net;
using System.Text.Json;
using Gateway.Settings;
using Yarp.ReverseProxy.Model;

namespace Gateway.Proxy;

/// <summary>Asks Paperless whose a session cookie of its own is: with that cookie alone, within a bounded time and size.</summary>
internal sealed partial class LocalSessionQuestion(GatewaySettings settings, Upstreams upstreams, ILogger<LocalSessionQuestion> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Bytes; the answer carries the settings of the page, too.</summary>
    private const int LargestAnswer = 1024 * 1024;

    /// <param name="at">When the question was asked, for the session that comes of it.</param>
    public async Task<LocalFinding> AskAsync(string cookie, DateTimeOffset at)
    {
        using CancellationTokenSource patience = new(Patience);
        DestinationState? failed = null;
        string reason = "no replica is there";
        while (upstreams.TryPick(failed, out DestinationState? destination))
        {
            try
            {
                return await AskAsync(destination, cookie, at, patience.Token);
            }
            catch (HttpRequestException error) when (failed is null)
            {
                upstreams.ReportFailure(destination);
                failed = destination;
                reason = error.Message;
            }
            catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
            {
                reason = error is OperationCanceledException ? "it takes too long" : error.Message;
                break;
            }
        }

        Unanswered(reason);
        return LocalFinding.Unknown;
    }

    private async Task<LocalFinding> AskAsync(DestinationState destination, string cookie, DateTimeOffset at, CancellationToken cancel)
    {
        using HttpResponseMessage response = await SendAsync(destination, "/api/ui_settings/", cookie, cancel);
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK:
                return Read(await response.Content.ReadAsByteArrayAsync(cancel), at) is { } session ? new LocalFinding(LocalAnswer.Somebody, session) : Unreadable("/api/ui_settings/");

            case HttpStatusCode.Unauthorized:
                return LocalFinding.Nobody;

            // Nobody where the API knows the user header, too; or somebody without the permission view_uisettings.
            case HttpStatusCode.Forbidden:
                using (HttpResponseMessage profile = await SendAsync(destination, "/api/profile/", cookie, cancel))
                {
                    return profile.StatusCode switch
                    {
                        HttpStatusCode.OK => LocalFinding.Unnamed,
                        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => LocalFinding.Nobody,
                        _ => Unreadable($"{(int)profile.StatusCode} at /api/profile/"),
                    };
                }

            default:
                return Unreadable($"{(int)response.StatusCode} at /api/ui_settings/");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(DestinationState destination, string path, string cookie, CancellationToken cancel)
    {
        // Without the user header: it would answer for the cookie.
        using HttpRequestMessage request = destination.Request(HttpMethod.Get, settings, path);
        request.Headers.TryAddWithoutValidation("Accept", "application/json; version=9");
        request.Headers.TryAddWithoutValidation("Cookie", $"{settings.Paperless.SessionCookie}={cookie}");
        HttpResponseMessage response = await upstreams.Client.SendAsync(request, cancel);
        try
        {
            await response.Content.LoadIntoBufferAsync(LargestAnswer, cancel);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static LocalSession? Read(byte[] body, DateTimeOffset at)
    {
        try
        {
            using JsonDocument answer = JsonDocument.Parse(body);
            JsonElement user = answer.RootElement.GetProperty("user");
            int id = user.GetProperty("id").GetInt32();
            string? name = user.GetProperty("username").GetString();
            bool superuser = user.TryGetProperty("is_superuser", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
            return id > 0 && !string.IsNullOrEmpty(name) ? new LocalSession(id, name, superuser, at) : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private LocalFinding Unreadable(string what)
    {
        Unanswered($"its answer says nothing of it: {what}");
        return LocalFinding.Unknown;
    }

    [LoggerMessage(EventId = 5020, EventName = "LocalSessionUnanswered", Level = LogLevel.Warning, Message = "Paperless was asked whose a session of its own is, and did not say ({Reason})")]
    private partial void Unanswered(string reason);
}
