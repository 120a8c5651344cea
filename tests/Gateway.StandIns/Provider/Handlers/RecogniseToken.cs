using System.Security.Claims;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Recognises what the provider has issued: codes and tokens by their text, an ID token that comes back as a hint by its signature.</summary>
internal sealed class RecogniseToken(DevelopmentProvider provider) : IOpenIddictServerHandler<ValidateTokenContext>
{
    public async ValueTask HandleAsync(ValidateTokenContext context)
    {
        context.Principal = Recognise(context) ?? await RecogniseHintAsync(context);
        if (context.Principal is null)
        {
            string error = context.EndpointType is OpenIddictServerEndpointType.Token ? Errors.InvalidGrant : Errors.InvalidToken;
            context.Reject(error, "The token is unknown, used, revoked or expired.");
        }
    }

    private ClaimsPrincipal? Recognise(ValidateTokenContext context)
    {
        if (provider.Tokens.Find(context.Token) is not { } token)
        {
            return null;
        }

        if (token.IsUsed)
        {
            if (token.Type == TokenTypeIdentifiers.Private.AuthorizationCode)
            {
                provider.Tokens.Revoke(token.Grant);
            }

            return null;
        }

        return token.Principal.Clone(_ => true).SetTokenType(token.Type);
    }

    private async Task<ClaimsPrincipal?> RecogniseHintAsync(ValidateTokenContext context)
    {
        string issuer = provider.IssuerAt(context.BaseUri!);
        if (context.EndpointType is not (OpenIddictServerEndpointType.EndSession or OpenIddictServerEndpointType.Authorization)
            || await provider.Keys.ReadHintAsync(context.Token!, issuer, provider.Options.ClientId) is not { } subject)
        {
            return null;
        }

        return new ClaimsPrincipal(new ClaimsIdentity("hint").SetClaim(Claims.Subject, subject))
            .SetTokenType(TokenTypeIdentifiers.IdentityToken);
    }
}
