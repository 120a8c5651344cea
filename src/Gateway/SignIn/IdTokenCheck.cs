using Gateway.Settings;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.SignIn;

/// <summary>Validates ID tokens (OpenID Connect Core 1.0, section 3.1.3.7) for ASP.NET Core's OpenID Connect handler.</summary>
internal sealed class IdTokenCheck(ProviderSettings provider, SignedTokenCheck signed) : TokenHandler
{
    /// <remarks>A failure is in the result's `Exception`, as the OpenID Connect handler expects.</remarks>
    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        TokenValidationResult result = await signed.CheckAsync(token, "the ID token", CancellationToken.None);
        return result.IsValid && !IsForThisClient((JsonWebToken)result.SecurityToken)
            ? SignedTokenCheck.Failed("the ID token was given to another client than " + provider.ClientId)
            : result;
    }

    /// <summary>Of several audiences the authorized party is the one that the token was given to.</summary>
    private bool IsForThisClient(JsonWebToken token) =>
        token.TryGetPayloadValue("azp", out string azp) ? azp == provider.ClientId : token.Audiences.Count() == 1;
}
