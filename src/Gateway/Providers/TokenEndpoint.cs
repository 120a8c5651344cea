using System.Globalization;
using Gateway.Sessions;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>Exchanges a code or a refresh token for tokens (RFC 6749, sections 4.1.3 and 6).</summary>
internal sealed class TokenEndpoint(AuthenticatedClient client)
{
    /// <summary>In characters. A longer token is not stored with the session, and the recheck uses another method.</summary>
    private const int MaxStoredTokenLength = 16 * 1024;

    /// <exception cref="ProviderRefusedException">The provider answered with an `error`.</exception>
    /// <exception cref="ProviderUnavailableException">The provider did not answer, or its answer contains no tokens.</exception>
    public Task<OpenIdConnectMessage> RedeemAsync(OpenIdConnectMessage message, OpenIdConnectConfiguration configuration, CancellationToken cancel) =>
        client.PostAsync(configuration.TokenEndpoint, message, configuration, "tokens", cancel);

    /// <summary>The tokens of an answer that are stored with the session.</summary>
    /// <param name="previous">The previous tokens. The answer may omit tokens that do not change (RFC 6749, section 6).</param>
    /// <param name="askedAt">When the request was sent.</param>
    public static ProviderTokens ToStoredTokens(OpenIdConnectMessage answer, ProviderTokens? previous, DateTimeOffset askedAt, DateTimeOffset now) => new(
        answer.IdToken is { Length: > 0 } idToken ? idToken : previous?.IdToken ?? "",
        OmitIfTooLong(answer.RefreshToken) ?? previous?.RefreshToken,
        OmitIfTooLong(answer.AccessToken),
        int.TryParse(answer.ExpiresIn, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) ? now.AddSeconds(seconds) : null,
        answer.IdToken is { Length: > 0 } ? askedAt : previous?.IdTokenAt);

    private static string? OmitIfTooLong(string? token) => token is { Length: > 0 and <= MaxStoredTokenLength } ? token : null;
}
