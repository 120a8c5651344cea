using System.Text;
using Gateway.Settings;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.SignIn;

/// <summary>
/// Validates ID tokens (OpenID Connect Core 1.0, section 3.1.3.7): only signed ones, by an algorithm that the discovery document
/// names, with a key of the provider's key set; HS256 with the client secret only where the provider publishes no key.
/// </summary>
internal sealed class IdTokenCheck(ProviderSettings provider, ProviderDiscovery discovery, TimeProvider time) : TokenHandler
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    /// <remarks>A failure is in the result's `Exception`, as the OpenID Connect handler expects.</remarks>
    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        JsonWebToken idToken;
        try
        {
            idToken = new JsonWebToken(token);
        }
        catch (ArgumentException)
        {
            return Failed("the ID token is no JWT");
        }

        OpenIdConnectConfiguration configuration = await discovery.GetConfigurationAsync(CancellationToken.None);
        TokenValidationResult result = await ValidateAsync(idToken, configuration);
        if (MayFitNewerConfiguration(result.Exception) && await discovery.NewerThanAsync(configuration, CancellationToken.None) is { } newer)
        {
            configuration = newer;
            result = await ValidateAsync(idToken, configuration);
        }

        return result.Exception switch
        {
            null or ProviderMistakeException => result,
            SecurityTokenInvalidIssuerException => Failed($"the ID token's issuer is \"{Bounded(idToken.Issuer)}\", but the discovery document says \"{configuration.Issuer}\""),
            SecurityTokenInvalidAudienceException => Failed("the ID token is for another client than " + provider.ClientId),
            SecurityTokenExpiredException or SecurityTokenNotYetValidException or SecurityTokenNoExpirationException => Failed("the ID token is not valid at this time; the clocks of gateway and provider may differ"),
            SecurityTokenInvalidAlgorithmException => Failed($"the ID token is signed with {Printable(idToken.Alg)}, which the discovery document does not name"),
            SecurityTokenSignatureKeyNotFoundException => Failed("the ID token is signed with a key that the provider does not publish"),
            _ => Failed("the ID token's signature is wrong"),
        };
    }

    private async Task<TokenValidationResult> ValidateAsync(JsonWebToken idToken, OpenIdConnectConfiguration configuration)
    {
        // "none" is left out of every comparison below by this alone: a discovery document that lists it changes nothing.
        if (string.IsNullOrEmpty(idToken.Alg) || idToken.Alg.Equals("none", StringComparison.OrdinalIgnoreCase) || idToken.EncodedSignature.Length == 0)
        {
            return Failed("the ID token is not signed");
        }

        ICollection<string> named = configuration.IdTokenSigningAlgValuesSupported;
        if (!(named.Count == 0 ? ["RS256"] : named).Contains(idToken.Alg))
        {
            return new TokenValidationResult { IsValid = false, Exception = new SecurityTokenInvalidAlgorithmException() };
        }

        ICollection<SecurityKey> keys = configuration.SigningKeys;
        if (idToken.Alg.StartsWith("HS", StringComparison.Ordinal))
        {
            if (keys.Count > 0 || Encoding.UTF8.GetByteCount(provider.ClientSecret) < 32)
            {
                return Failed($"the ID token is signed with {Printable(idToken.Alg)}, which is only taken from a provider without signing keys and with a client secret of 32 bytes or more");
            }

            keys = [new SymmetricSecurityKey(Encoding.UTF8.GetBytes(provider.ClientSecret))];
        }
        else if (idToken.Kid is { Length: > 0 } kid && !keys.Any(key => key.KeyId == kid))
        {
            return new TokenValidationResult { IsValid = false, Exception = new SecurityTokenSignatureKeyNotFoundException() };
        }

        TokenValidationResult result = await _handler.ValidateTokenAsync(idToken, new TokenValidationParameters
        {
            ValidIssuer = configuration.Issuer,
            ValidAudience = provider.ClientId,
            ValidAlgorithms = [idToken.Alg],
            IssuerSigningKeys = keys,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = IsCurrent,
            NameClaimType = "preferred_username",
        });
        return result.IsValid && !IsForThisClient(idToken) ? Failed("the ID token was given to another client than " + provider.ClientId) : result;
    }

    /// <summary>Of several audiences the authorized party is the one that the token was given to.</summary>
    private bool IsForThisClient(JsonWebToken idToken) =>
        idToken.TryGetPayloadValue("azp", out string azp) ? azp == provider.ClientId : idToken.Audiences.Count() == 1;

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

    private static TokenValidationResult Failed(string message) => new() { IsValid = false, Exception = new ProviderMistakeException(message) };

    private static string Bounded(string text) => text.Length <= 200 ? text : text[..200] + "…";

    private static string Printable(string text) => new([.. text.Where(char.IsAsciiLetterOrDigit).Take(16)]);
}
