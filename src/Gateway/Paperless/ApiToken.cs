using System.Net;
using System.Text.Json;
using Gateway.Settings;

namespace Gateway.Paperless;

/// <summary>The gateway's API token for Paperless: configured, or fetched with a superuser's password and fetched again after a rejection.</summary>
internal sealed class ApiToken(AccountSettings settings, PaperlessTransport transport, TimeProvider time) : IDisposable
{
    /// <summary>Paperless allows 5 sign-ins a minute at `/api/token/` from one address.</summary>
    private static readonly TimeSpan FetchBackoff = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private ApiCredential _credential = settings.Credential;
    private string? _token = settings.Credential.Token;
    private DateTimeOffset _fetchedAt = DateTimeOffset.MinValue;
    private PaperlessApiException? _lastFailure;

    /// <summary>The origin of the token, as the subject of a sentence.</summary>
    public string Source => _credential.Token is null ? "The API token of PAPERLESS_ADMIN_USER" : "The API token in GATEWAY_PAPERLESS_TOKEN";

    /// <exception cref="PaperlessApiException">Paperless gives no token.</exception>
    public async Task<string> GetAsync(CancellationToken cancellationToken)
    {
        TakeRotatedCredential();
        return _token ?? await FetchAsync(rejected: null, cancellationToken);
    }

    /// <summary>Fetches a new token after Paperless rejected <paramref name="rejected"/>.</summary>
    /// <returns>Null where there is no other token.</returns>
    public async Task<string?> ReplaceAsync(string rejected, CancellationToken cancellationToken)
    {
        if (_credential.Token is not null)
        {
            return null;
        }

        string token = await FetchAsync(rejected, cancellationToken);
        return token == rejected ? null : token;
    }

    public void Dispose() => _fetching.Dispose();

    /// <summary>The file of the token or of the password has another content now.</summary>
    private void TakeRotatedCredential()
    {
        ApiCredential current = settings.Credential;
        if (!ReferenceEquals(Interlocked.Exchange(ref _credential, current), current))
        {
            _token = current.Token;
            _fetchedAt = DateTimeOffset.MinValue;
        }
    }

    private async Task<string> FetchAsync(string? rejected, CancellationToken cancellationToken)
    {
        await _fetching.WaitAsync(cancellationToken);
        try
        {
            if (_token is { } token && token != rejected)
            {
                return token;
            }

            if (time.GetUtcNow() - _fetchedAt < FetchBackoff)
            {
                return _lastFailure is null ? rejected ?? throw new PaperlessUnavailableException(
                    "Paperless gave no API token a moment ago",
                    PaperlessFault.ErrorStatus) : throw _lastFailure;
            }

            _fetchedAt = time.GetUtcNow();
            try
            {
                _lastFailure = null;
                return _token = await RequestTokenAsync(cancellationToken);
            }
            catch (PaperlessApiException failure)
            {
                _lastFailure = failure;
                throw;
            }
        }
        finally
        {
            _fetching.Release();
        }
    }

    private async Task<string> RequestTokenAsync(CancellationToken cancellationToken)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(new ApiTokenRequest(_credential.User!, _credential.Password!), PaperlessJson.Default.ApiTokenRequest);
        PaperlessApiResponse response = await transport.SendAsync(HttpMethod.Post, "/api/token/", json, authorization: null, cancellationToken);
        switch (response.Status)
        {
            case HttpStatusCode.OK:
                return response.Read(PaperlessJson.Default.ApiTokenResponse).Token;

            case HttpStatusCode.TooManyRequests:
                throw new PaperlessUnavailableException(
                    $"POST {response.Address} answered 429: Paperless limits sign-ins for a minute",
                    PaperlessFault.ErrorStatus);

            // Django's 400 for an unknown host is not JSON.
            case HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when response.Body.AsSpan().TrimStart((byte)' ')
                .StartsWith("{"u8):
                throw new PaperlessCredentialException(
                    $"POST {response.Address} answered {(int)response.Status}: Paperless gives no API token for "
                    + "PAPERLESS_ADMIN_USER and PAPERLESS_ADMIN_PASSWORD: the password is wrong, or the user has a second factor. "
                    + "Correct the password, or set GATEWAY_PAPERLESS_TOKEN to a superuser's API token.",
                    CredentialFault.Missing);

            default:
                throw PaperlessFailureText.Answered(HttpMethod.Post, response.Address, response.Status);
        }
    }
}
