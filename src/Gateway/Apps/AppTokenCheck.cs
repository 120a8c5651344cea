using System.Security.Cryptography;
using System.Text;
using Gateway.Providers;
using Gateway.Storage;

namespace Gateway.Apps;

/// <summary>
/// Checks the ID token that an app brings: as in a browser's sign-in, less the nonce, which the gateway never set. In its place the token must be
/// fresh, and it counts once over all gateways.
/// </summary>
internal sealed class AppTokenCheck(IReplayCache used, TimeProvider time)
{
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    /// <exception cref="ProviderMistakeException">The token is not accepted. The message says why.</exception>
    /// <exception cref="ProviderUnavailableException">The keys of the provider are unknown.</exception>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<SignedToken> CheckAsync(HeadlessTokenRequest request, CancellationToken cancellationToken)
    {
        SignedToken token = await request.Client.IdTokens.CheckAsync(request.IdToken, cancellationToken);
        DateTimeOffset issuedAt = token.Claims.Time("iat")!.Value;
        if (issuedAt < time.GetUtcNow() - MaxAge)
        {
            throw new ProviderMistakeException(
                $"the ID token's \"iat\" is more than {MaxAge.TotalMinutes:0} minutes ago; the clocks of gateway and provider may differ");
        }

        // The gateway's own sign-ins have one. Their ID tokens are seen by browsers and by the provider's log when people sign out.
        if (request.Client.ClientId == request.Provider.Settings.ClientId && token.Claims.Has("nonce"))
        {
            throw new ProviderMistakeException("the ID token has a nonce: it was given to a browser's sign-in, or the app needs a client of its own");
        }

        request.Client.IdTokens.CheckAuthentication(token.Claims, issuedAt);
        if (request.AccessToken is { } accessToken)
        {
            IdTokenCheck.CheckAccessToken(token, accessToken);
        }

        // What was signed, and not the signature: anybody can give an elliptic curve's signature a second form.
        byte[] name = SHA256.HashData([.. Encoding.UTF8.GetBytes($"app sign-in\0{request.Provider.Settings.Id}\0"), .. token.SignedBytes]);
        DateTimeOffset until = issuedAt + MaxAge + (2 * SignedTokenCheck.ClockSkew);
        return await used.TryMarkUsedAsync(name, until, cancellationToken) ? token : throw new ProviderMistakeException("the ID token was used before");
    }
}
