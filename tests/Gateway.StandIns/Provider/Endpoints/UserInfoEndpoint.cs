using System.Text.Json.Nodes;
using Gateway.StandIns.Provider.Handlers;
using Microsoft.AspNetCore.Authentication;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;

namespace Gateway.StandIns.Provider.Endpoints;

/// <summary>Says about the access token's person what its scopes allow, as it is now.</summary>
internal static class UserInfoEndpoint
{
    public const string Path = "/application/o/userinfo/";

    public static void Map(IEndpointRouteBuilder routes) => routes.MapMethods(Path, ["GET", "POST"], DescribeAsync);

    private static async Task<IResult> DescribeAsync(HttpContext http, DevelopmentProvider provider)
    {
        AuthenticateResult token = await http.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
        if (provider.Tokens.FindGrant(token.Principal?.GetClaim(IssueToken.GrantClaim)) is not { } grant)
        {
            return Results.Challenge(null, [OpenIddictServerAspNetCoreDefaults.AuthenticationScheme]);
        }

        JsonObject claims = provider.Claims.UserInfo(grant);
        if (!provider.Options.SignedUserInfo)
        {
            return Results.Json(provider.TamperUserInfo?.Invoke(claims) ?? claims);
        }

        claims["iss"] = provider.IssuerAt(new Uri($"{http.Request.Scheme}://{http.Request.Host}"));
        claims["aud"] = grant.ClientId;
        string signed = provider.Keys.Sign(provider.TamperUserInfo?.Invoke(claims) ?? claims, "JWT");
        return Results.Text(provider.RewriteUserInfo?.Invoke(signed) ?? signed, "application/jwt");
    }
}
