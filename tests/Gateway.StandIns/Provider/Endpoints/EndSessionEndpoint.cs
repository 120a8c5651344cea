using Gateway.StandIns.Provider.Pages;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.WebUtilities;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Gateway.StandIns.Provider.Endpoints;

/// <summary>RP-initiated logout. OpenIddict has checked the hint's signature, issuer and audience, but not its expiry.</summary>
internal static class EndSessionEndpoint
{
    public static string PathFor(string slug) => $"/application/o/{slug}/end-session/";

    public static void Map(IEndpointRouteBuilder routes, string slug)
    {
        routes.MapGet(PathFor(slug), EndAsync);

        // A form from another site carries no CSRF token of the provider's.
        routes.MapPost(PathFor(slug), () => ProviderPages.Refused("CSRF verification failed. Request aborted."));
    }

    private static async Task<IResult> EndAsync(HttpContext http, DevelopmentProvider provider)
    {
        DevelopmentProviderOptions options = provider.Options;
        OpenIddictRequest request = http.GetOpenIddictServerRequest()!;
        ProviderSession? session = provider.ActiveSessions.Find(http.Request);
        if (session is null && options.EndSessionAsksForSignIn)
        {
            return Results.Redirect(SignInEndpoint.UrlFor(http.Request.Path + http.Request.QueryString));
        }

        if (request.IdTokenHint is not null && !await IsHintGoodAsync(http))
        {
            return ProviderPages.BadRequest("The ID token hint (id_token_hint) is not an ID token of this provider for this application.");
        }

        bool mayReturn = options is { EndSessionHonoursPostLogoutRedirectUri: true, PostLogoutRedirectUris.Count: > 0 }
            && request.PostLogoutRedirectUri is not null;
        if (mayReturn && request.IdTokenHint is null)
        {
            return ProviderPages.BadRequest("An ID token hint (id_token_hint) is required with post_logout_redirect_uri.");
        }

        if (mayReturn && !options.PostLogoutRedirectUris.Contains(request.PostLogoutRedirectUri, StringComparer.Ordinal))
        {
            return ProviderPages.BadRequest("The post-logout redirection URI (post_logout_redirect_uri) does not match.");
        }

        if (session is not null && options.EndSessionEndsProviderSession)
        {
            await provider.Logout.EndAsync(session, http.RequestAborted);
            http.Response.Cookies.Delete(options.SessionCookie);
        }

        return Answer(provider, session, mayReturn ? ReturnUrl(request) : null);
    }

    // OpenIddict goes on without a hint that it cannot verify; authentik does not.
    private static async Task<bool> IsHintGoodAsync(HttpContext http) =>
        (await http.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme)).Principal?.GetClaim(Claims.Subject) is not null;

    private static IResult Answer(DevelopmentProvider provider, ProviderSession? session, string? returnUrl)
    {
        string? frame = session is null || provider.Options.FrontchannelLogoutUri is not { } uri
            ? null
            : QueryHelpers.AddQueryString(
                uri.AbsoluteUri, new Dictionary<string, string?> { ["iss"] = provider.Issuer.AbsoluteUri, ["sid"] = session.Sid });
        return returnUrl is not null && frame is null
            ? Results.Redirect(returnUrl)
            : ProviderPages.SignedOut(frame, returnUrl);
    }

    private static string ReturnUrl(OpenIddictRequest request) => request.State is { } state
        ? QueryHelpers.AddQueryString(request.PostLogoutRedirectUri!, "state", state)
        : request.PostLogoutRedirectUri!;
}
