using System.Net;
using Gateway.Settings;

namespace Gateway.Paperless;

/// <summary>A session of Paperless that the gateway has begun in a user's name.</summary>
/// <param name="Value">The value of Paperless's session cookie.</param>
/// <param name="CsrfToken">Null if Paperless gave none.</param>
internal sealed record UserSession(string Value, string? CsrfToken)
{
    /// <summary>For logs and debuggers: leaves out the session.</summary>
    public override string ToString() => nameof(UserSession);
}

/// <summary>
/// Begins sessions of Paperless in a user's name, by the user header, for what Paperless gives to a session only. Paperless creates a user that it
/// does not have: check the account first.
/// </summary>
internal sealed class UserSessions(GatewaySettings settings, UpstreamClient paperless, PaperlessSessionLogout logout, RemoteUserStatus remoteUser)
{
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private const int MaxValueLength = 512;

    /// <exception cref="PaperlessApiException">Paperless does not answer, or does not take the user header.</exception>
    public async Task<UserSession> BeginAsync(string username, CancellationToken cancellationToken)
    {
        UpstreamRequest request = new(HttpMethod.Get, "/", AnswerTimeout)
        {
            Headers = [("Accept", "text/html"), (settings.Paperless.UserHeader, username)],
        };
        try
        {
            using HttpResponseMessage answer = await paperless.OpenAsync(request, cancellationToken);
            string? value = Cookie(answer, settings.Paperless.SessionCookie);
            if (answer.StatusCode == HttpStatusCode.OK && value is not null)
            {
                return new UserSession(value, Cookie(answer, settings.Paperless.CsrfCookie));
            }

            if ((int)answer.StatusCode is >= 300 and < 400)
            {
                remoteUser.ReportIgnored();
                throw new PaperlessUnavailableException(
                    $"{paperless.AddressOf("/")} ignores the user header {settings.Paperless.UserHeader} of {username}", PaperlessFault.ErrorStatus);
            }

            string cookie = value is null ? $" without the cookie {settings.Paperless.SessionCookie}" : "";
            throw new PaperlessUnavailableException(
                $"GET {paperless.AddressOf("/")} with the user header answered {(int)answer.StatusCode}{cookie}", PaperlessFault.ErrorStatus);
        }
        catch (UpstreamUnavailableException unavailable)
        {
            throw new PaperlessUnavailableException(unavailable.Message, unavailable.Fault, unavailable);
        }
    }

    public Task EndAsync(UserSession session, string traceId) => logout.EndAsync(session.Value, traceId);

    private static string? Cookie(HttpResponseMessage answer, string name)
    {
        foreach (string line in answer.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? lines) ? lines : [])
        {
            string pair = line.Split(';')[0];
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && pair[..equals].Trim() == name && pair[(equals + 1)..].Trim().Trim('"') is { Length: > 0 and <= MaxValueLength } value)
            {
                return value;
            }
        }

        return null;
    }
}
