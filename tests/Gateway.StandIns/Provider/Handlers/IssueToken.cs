using System.Text.Json.Nodes;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Makes tokens as authentik does: JWTs of its own shape, and random text for codes and refresh tokens.</summary>
internal sealed class IssueToken(DevelopmentProvider provider) : IOpenIddictServerHandler<GenerateTokenContext>
{
    /// <summary>The principal's claim that leads back to the <see cref="Grant"/>.</summary>
    public const string GrantClaim = "development_grant";

    public ValueTask HandleAsync(GenerateTokenContext context)
    {
        Grant grant = provider.Tokens.FindGrant(context.Principal.GetClaim(GrantClaim))
            ?? throw new InvalidOperationException("A token is issued for a grant that this provider does not know.");
        string issuer = provider.IssuerAt(context.BaseUri!, grant.ClientId);
        context.Token = context.TokenType switch
        {
            TokenTypeIdentifiers.IdentityToken => SignIdToken(grant, issuer, isRefresh: context.Request!.IsRefreshTokenGrantType()),
            TokenTypeIdentifiers.AccessToken => SignAccessToken(grant, issuer),
            _ => IssuedTokens.RandomText(),
        };
        if (context.TokenType != TokenTypeIdentifiers.IdentityToken)
        {
            provider.Tokens.Add(new IssuedToken(context.Token, context.TokenType, grant, context.Principal, issuer));
        }

        return ValueTask.CompletedTask;
    }

    private string SignIdToken(Grant grant, string issuer, bool isRefresh)
    {
        JsonObject claims = provider.Claims.IdToken(grant, issuer, withNonce: !isRefresh);
        string token = provider.Keys.Sign(provider.TamperIdToken?.Invoke(claims) ?? claims, "JWT");
        return provider.RewriteIdToken?.Invoke(token) ?? token;
    }

    private string SignAccessToken(Grant grant, string issuer)
    {
        JsonObject claims = provider.Claims.AccessToken(grant, issuer);
        return provider.Keys.Sign(provider.TamperAccessToken?.Invoke(claims) ?? claims, "JWT");
    }
}
