using System.Security.Claims;
using Gateway.StandIns.Provider.Handlers;
using Gateway.StandIns.Provider.Pages;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Gateway.StandIns.Provider.Endpoints;

/// <summary>Sends a signed-in person back to the application with a code, and everybody else to the sign-in page. Consent is implied.</summary>
internal static class AuthorizeEndpoint
{
    public const string Path = "/application/o/authorize/";

    public static void Map(IEndpointRouteBuilder routes) => routes.MapMethods(Path, ["GET", "POST"], Authorize);

    /// <summary>The scopes that a property mapping exists for; there is none for <c>groups</c>.</summary>
    public static IReadOnlyList<string> MappedScopes(DevelopmentProvider provider) => provider.Options.OfflineAccess
        ? [Scopes.OpenId, Scopes.Email, Scopes.Profile, Scopes.OfflineAccess]
        : [Scopes.OpenId, Scopes.Email, Scopes.Profile];

    private static IResult Authorize(HttpContext http, DevelopmentProvider provider)
    {
        OpenIddictRequest request = http.GetOpenIddictServerRequest()!;
        if (provider.TakeAuthorizeError() is { } error)
        {
            return Refuse(error.Error, error.Description);
        }

        if (provider.Options.ClientScopes is { } allowed && request.GetScopes().Except(allowed).FirstOrDefault() is { } scope)
        {
            return Refuse(Errors.InvalidScope, $"The client may not have the scope {scope}.");
        }

        ProviderSession? session = provider.ActiveSessions.Find(http.Request);
        if (session is null || MustSignInAgain(request, session, provider))
        {
            return request.HasPromptValue(PromptValues.None)
                ? Refuse(Errors.LoginRequired, "The Authorization Server requires End-User authentication.")
                : Results.Redirect(SignInEndpoint.UrlFor(AfterSignIn(http, request, provider)));
        }

        // A policy's no is a page of authentik's own, and never access_denied.
        return IsAllowed(session, provider)
            ? Results.SignIn(PrincipalFor(session, request, provider), null, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme)
            : ProviderPages.Denied();
    }

    private static bool MustSignInAgain(OpenIddictRequest request, ProviderSession session, DevelopmentProvider provider) =>
        request.HasPromptValue(PromptValues.Login)
        || (request.MaxAge is { } seconds
            && provider.Options.TimeProvider.GetUtcNow() - session.SignedInAt > TimeSpan.FromSeconds(seconds));

    private static string AfterSignIn(HttpContext http, OpenIddictRequest request, DevelopmentProvider provider)
    {
        if (PushedAuthorizationEndpoint.FindReference(http) is not { } reference)
        {
            return WithoutLoginPrompt(request);
        }

        provider.PushedRequests.RemoveParameter(reference, Parameters.Prompt);
        return Path + QueryString.Create(Parameters.ClientId, request.ClientId!).Add(Parameters.RequestUri, reference);
    }

    // The sign-in that prompt=login asked for has happened by the time the browser comes back.
    private static string WithoutLoginPrompt(OpenIddictRequest request) => Path + QueryString.Create(
        from parameter in request.GetParameters()
        let value = (string?)parameter.Value
        where value is not null && !(parameter.Key == Parameters.Prompt && value == PromptValues.Login)
        select KeyValuePair.Create(parameter.Key, (string?)value));

    private static bool IsAllowed(ProviderSession session, DevelopmentProvider provider) =>
        provider.FindBySubject(session.Subject) is { IsActive: true } person
        && (provider.Options.RequiredGroup is not { } group || person.Groups.Contains(group));

    private static ClaimsPrincipal PrincipalFor(ProviderSession session, OpenIddictRequest request, DevelopmentProvider provider)
    {
        IReadOnlyList<string> mapped = MappedScopes(provider);
        System.Collections.Immutable.ImmutableArray<string> asked = request.GetScopes();
        string[] scopes = asked.IsEmpty ? [.. mapped] : [.. asked.Intersect(mapped)];
        Grant grant = provider.Tokens.StartGrant(session, request.ClientId!, request.Nonce, scopes);

        ClaimsIdentity identity = new ClaimsIdentity("authentik")
            .SetClaim(Claims.Subject, session.Subject)
            .SetClaim(IssueToken.GrantClaim, grant.Id)
            .SetDestinations(_ => [Destinations.AccessToken, Destinations.IdentityToken])
            .SetScopes(scopes)
            .SetAuthorizationCodeLifetime(provider.Options.CodeLifetime)
            .SetAccessTokenLifetime(provider.Options.AccessTokenLifetime)
            .SetIdentityTokenLifetime(provider.Options.AccessTokenLifetime)
            .SetRefreshTokenLifetime(provider.Options.RefreshTokenLifetime);
        return new ClaimsPrincipal(identity);
    }

    private static IResult Refuse(string error, string? description) => Results.Forbid(
        new AuthenticationProperties(new Dictionary<string, string?>
        {
            [OpenIddictServerAspNetCoreConstants.Properties.Error] = error,
            [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] = description,
        }),
        [OpenIddictServerAspNetCoreDefaults.AuthenticationScheme]);
}
