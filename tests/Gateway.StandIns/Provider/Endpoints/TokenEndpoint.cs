using Gateway.StandIns.Provider.Handlers;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Gateway.StandIns.Provider.Endpoints;

/// <summary>Exchanges a code or a refresh token, once, after OpenIddict has checked client, PKCE, redirect URI and expiry.</summary>
internal static class TokenEndpoint
{
    public const string Path = "/application/o/token/";

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost(Path, ExchangeAsync);

    private static async Task<IResult> ExchangeAsync(HttpContext http, DevelopmentProvider provider)
    {
        OpenIddictRequest request = http.GetOpenIddictServerRequest()!;
        AuthenticateResult checkedToken = await http.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
        Grant? grant = provider.Tokens.FindGrant(checkedToken.Principal?.GetClaim(IssueToken.GrantClaim));
        if (grant is null
            || provider.FindBySubject(grant.Session.Subject) is not { IsActive: true }
            || !provider.Tokens.TryUse(request.Code ?? request.RefreshToken ?? ""))
        {
            return Refuse();
        }

        return Results.SignIn(checkedToken.Principal!, null, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
    }

    private static IResult Refuse() => Results.Forbid(
        new AuthenticationProperties(new Dictionary<string, string?>
        {
            [OpenIddictServerAspNetCoreConstants.Properties.Error] = Errors.InvalidGrant,
            [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] =
                "The provided authorization grant or refresh token is invalid, expired, revoked, or was issued to another client",
        }),
        [OpenIddictServerAspNetCoreDefaults.AuthenticationScheme]);
}
