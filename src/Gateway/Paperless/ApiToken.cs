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
    private State _state = new(settings.Credential, settings.Credential.Token, DateTimeOffset.MinValue, null);

    /// <summary>The origin of the token, as the subject of a sentence.</summary>
    public string Source =>
        Current().Credential.Token is null ? "The API token of PAPERLESS_ADMIN_USER" : "The API token in GATEWAY_PAPERLESS_TOKEN";

    /// <exception cref="PaperlessApiException">Paperless gives no token.</exception>
    public async Task<string> GetAsync(CancellationToken cancellationToken) => Current().Token ?? await FetchAsync(rejected: null, cancellationToken);

    /// <summary>The token to use after Paperless rejected <paramref name="rejected"/>: the one that is there by now, or a new one.</summary>
    /// <returns>Null where there is no other token.</returns>
    public async Task<string?> ReplaceAsync(string rejected, CancellationToken cancellationToken)
    {
        string token = await FetchAsync(rejected, cancellationToken);
        return token == rejected ? null : token;
    }

    public void Dispose() => _fetching.Dispose();

    /// <summary>With another content in the file of the token or of the password, everything of the credential before is forgotten.</summary>
    private State Current()
    {
        State state = Volatile.Read(ref _state);
        ApiCredential credential = settings.Credential;
        if (ReferenceEquals(state.Credential, credential))
        {
            return state;
        }

        State fresh = new(credential, credential.Token, DateTimeOffset.MinValue, null);
        State found = Interlocked.CompareExchange(ref _state, fresh, state);
        return found == state ? fresh : found;
    }

    /// <summary>Does nothing where another credential has come in between.</summary>
    private void Change(State from, State to) => Interlocked.CompareExchange(ref _state, to, from);

    private async Task<string> FetchAsync(string? rejected, CancellationToken cancellationToken)
    {
        await _fetching.WaitAsync(cancellationToken);
        try
        {
            State state = Current();
            if (state.Token is { } token && (token != rejected || state.Credential.Token is not null))
            {
                return token;
            }

            if (time.GetUtcNow() - state.FetchedAt < FetchBackoff)
            {
                if (state.Failure is not null)
                {
                    throw state.Failure;
                }

                return rejected ?? throw new PaperlessUnavailableException("Paperless gave no API token a moment ago", PaperlessFault.ErrorStatus);
            }

            return await FetchNowAsync(state, cancellationToken);
        }
        finally
        {
            _fetching.Release();
        }
    }

    private async Task<string> FetchNowAsync(State before, CancellationToken cancellationToken)
    {
        State asked = new(before.Credential, before.Token, time.GetUtcNow(), null);
        Change(before, asked);
        try
        {
            string token = await RequestTokenAsync(before.Credential, cancellationToken);
            Change(asked, new State(before.Credential, token, asked.FetchedAt, null));
            return token;
        }
        catch (PaperlessApiException failure)
        {
            Change(asked, new State(before.Credential, before.Token, asked.FetchedAt, failure));
            throw;
        }
    }

    private async Task<string> RequestTokenAsync(ApiCredential credential, CancellationToken cancellationToken)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(new ApiTokenRequest(credential.User!, credential.Password!), PaperlessJson.Default.ApiTokenRequest);
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

    /// <summary>A credential and what came of it: exchanged as a whole, so that a token never stands beside another credential.</summary>
    private sealed class State(ApiCredential credential, string? token, DateTimeOffset fetchedAt, PaperlessApiException? failure)
    {
        public ApiCredential Credential => credential;

        public string? Token => token;

        public DateTimeOffset FetchedAt => fetchedAt;

        /// <summary>Why the last attempt brought no token.</summary>
        public PaperlessApiException? Failure => failure;
    }
}
