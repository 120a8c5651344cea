using System.Net;
using System.Text.Json;
using Gateway.Settings;

namespace Gateway.Paperless;

/// <summary>The gateway's own token for Paperless's API: given, or fetched with a superuser's password and fetched again when it is no longer taken.</summary>
internal sealed class ApiToken(GatewaySettings settings, PaperlessTransport transport, TimeProvider time) : IDisposable
{
    /// <summary>Paperless takes 5 sign-ins a minute at `/api/token/` from one address.</summary>
    private static readonly TimeSpan BetweenFetches = TimeSpan.FromSeconds(15);

    private readonly ApiCredential _credential = settings.Accounts.Credential;
    private readonly SemaphoreSlim _fetching = new(1, 1);
    private string? _token = settings.Accounts.Credential.Token;
    private DateTimeOffset _fetchedAt = DateTimeOffset.MinValue;
    private PaperlessApiException? _lastFailure;

    /// <summary>What gives the token, for people to read.</summary>
    public string Source => _credential.Token is null ? "PAPERLESS_ADMIN_USER and PAPERLESS_ADMIN_PASSWORD" : "GATEWAY_PAPERLESS_TOKEN's token";

    /// <exception cref="PaperlessApiException">There is none to be had.</exception>
    public async Task<string> GetAsync(CancellationToken cancellationToken) => _token ?? await FetchAsync(refused: null, cancellationToken);

    /// <summary>Another token than the one that Paperless has just refused.</summary>
    /// <returns>Null where there is no other.</returns>
    public async Task<string?> ReplaceAsync(string refused, CancellationToken cancellationToken)
    {
        if (_credential.Token is not null)
        {
            return null;
        }

        string token = await FetchAsync(refused, cancellationToken);
        return token == refused ? null : token;
    }

    public void Dispose() => _fetching.Dispose();

    private async Task<string> FetchAsync(string? refused, CancellationToken cancellationToken)
    {
        await _fetching.WaitAsync(cancellationToken);
        try
        {
            if (_token is { } token && token != refused)
            {
                return token;
            }

            if (time.GetUtcNow() - _fetchedAt < BetweenFetches)
            {
                return _lastFailure is null ? refused ?? throw new PaperlessUnavailableException("it gave no token a moment ago") : throw _lastFailure;
            }

            _fetchedAt = time.GetUtcNow();
            try
            {
                _lastFailure = null;
                return _token = await AskAsync(cancellationToken);
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

    private async Task<string> AskAsync(CancellationToken cancellationToken)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(new TokenRequest(_credential.User!, _credential.Password!), PaperlessJson.Default.TokenRequest);
        PaperlessAnswer answer = await transport.SendAsync(HttpMethod.Post, "/api/token/", json, authorization: null, cancellationToken);
        switch (answer.Status)
        {
            case HttpStatusCode.OK:
                return answer.Read(PaperlessJson.Default.TokenAnswer).Token;

            case HttpStatusCode.TooManyRequests:
                throw new PaperlessUnavailableException("it takes no more sign-ins at /api/token/ for a minute");

            // Django's own 400, of a host that it does not know, is no JSON.
            case HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when answer.Body.AsSpan().TrimStart((byte)' ')
                .StartsWith("{"u8):
                throw new PaperlessCredentialException($"Paperless gives no API token for {Source} (a second factor prevents it, too): set "
                    + "GATEWAY_PAPERLESS_TOKEN to a superuser's API token, or correct the password.");

            default:
                throw new PaperlessUnavailableException($"it answers {(int)answer.Status} at POST /api/token/");
        }
    }
}
