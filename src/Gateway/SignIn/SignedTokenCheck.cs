using System.Text;
using Gateway.Settings;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.SignIn;

/// <summary>
/// Validates what a provider signs for this client: only signed tokens, by an algorithm that the discovery document names, with a key
/// of the provider's key set; HS256 with the client secret only where the provider publishes no key. Issuer, audience and times, too.
/// </summary>
internal sealed class SignedTokenCheck(ProviderSettings provider, ProviderDiscovery discovery, TimeProvider time)
{
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    /// <param name="kind">What the token is, for the failure's words: "the ID token".</param>
    /// <remarks>A failure is in the result's `Exception`.</remarks>
    /// <exception cref="ProviderUnavailableException">The provider's keys are not known.</exception>
    public async Task<TokenValidationResult> CheckAsync(string token, string kind, CancellationToken cancellationToken)
    {
        JsonWebToken parsed;
        try
        {
            parsed = new JsonWebToken(token);
        }
        catch (ArgumentException)
        {
            return Failed($"{kind} is no JWT");
        }

        OpenIdConnectConfiguration configuration = await discovery.GetConfigurationAsync(cancellationToken);
        TokenValidationResult result = await ValidateAsync(parsed, kind, configuration);
        if (MayFitNewerConfiguration(result.Exception) && await discovery.NewerThanAsync(configuration, cancellationToken) is { } newer)
        {
            configuration = newer;
            result = await ValidateAsync(parsed, kind, configuration);
        }

        return result.Exception switch
        {
            null or ProviderMistakeException => result,
            SecurityTokenInvalidIssuerException => Failed($"{kind}'s issuer is \"{Bounded(parsed.Issuer)}\", but the discovery document says \"{configuration.Issuer}\""),
            SecurityTokenInvalidAudienceException => Failed($"{kind} is for another client than {provider.ClientId}"),
            SecurityTokenExpiredException or SecurityTokenNotYetValidException or SecurityTokenNoExpirationException => Failed($"{kind} is not valid at this time; the clocks of gateway and provider may differ"),
            SecurityTokenInvalidAlgorithmException => Failed($"{kind} is signed with {Printable(parsed.Alg)}, which the discovery document does not name"),
            SecurityTokenSignatureKeyNotFoundException => Failed($"{kind} is signed with a key that the provider does not publish"),
            _ => Failed($"{kind}'s signature is wrong"),
        };
    }

    private async Task<TokenValidationResult> ValidateAsync(JsonWebToken token, string kind, OpenIdConnectConfiguration configuration)
    {
        // "none" is left out of every comparison below by this alone: a discovery document that lists it changes nothing.
        if (string.IsNullOrEmpty(token.Alg) || token.Alg.Equals("none", StringComparison.OrdinalIgnoreCase) || token.EncodedSignature.Length == 0)
        {
            return Failed($"{kind} is not signed");
        }

        ICollection<string> named = configuration.IdTokenSigningAlgValuesSupported;
        if (!(named.Count == 0 ? ["RS256"] : named).Contains(token.Alg))
        {
            return new TokenValidationResult { IsValid = false, Exception = new SecurityTokenInvalidAlgorithmException() };
        }

        ICollection<SecurityKey> keys = configuration.SigningKeys;
        if (token.Alg.StartsWith("HS", StringComparison.Ordinal))
        {
            if (keys.Count > 0 || Encoding.UTF8.GetByteCount(provider.ClientSecret) < 32)
            {
                return Failed($"{kind} is signed with {Printable(token.Alg)}, which is only taken from a provider without signing keys and with a client secret of 32 bytes or more");
            }

            keys = [new SymmetricSecurityKey(Encoding.UTF8.GetBytes(provider.ClientSecret))];
        }
        else if (token.Kid is { Length: > 0 } kid && !keys.Any(key => key.KeyId == kid))
        {
            return new TokenValidationResult { IsValid = false, Exception = new SecurityTokenSignatureKeyNotFoundException() };
        }

        return await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = configuration.Issuer,
            ValidAudience = provider.ClientId,
            ValidAlgorithms = [token.Alg],
            IssuerSigningKeys = keys,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = IsCurrent,
            NameClaimType = "preferred_username",
        });
    }

    /// <summary>The provider may have changed its key, its kind of key or its name since it was last asked.</summary>
    private static bool MayFitNewerConfiguration(Exception? failure) =>
        failure is SecurityTokenSignatureKeyNotFoundException or SecurityTokenInvalidAlgorithmException or SecurityTokenInvalidIssuerException;

    private bool IsCurrent(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end + ClockSkew && (notBefore is not { } start || now >= start - ClockSkew)
            ? true
            : throw new SecurityTokenExpiredException();
    }

    public static TokenValidationResult Failed(string message) => new() { IsValid = false, Exception = new ProviderMistakeException(message) };

    private static string Bounded(string text) => text.Length <= 200 ? text : text[..200] + "…";

    private static string Printable(string text) => new([.. text.Where(char.IsAsciiLetterOrDigit).Take(16)]);
}
