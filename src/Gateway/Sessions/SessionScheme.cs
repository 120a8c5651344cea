using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Gateway.Sessions;

/// <summary>The user that a finished sign-in hands over, on its way to becoming a session.</summary>
internal sealed class SignedInPrincipal(Identity identity, string idToken) : ClaimsPrincipal(new ClaimsIdentity("OpenIdConnect"))
{
    public Identity SignedIn { get; } = identity;

    public string IdToken { get; } = idToken;
}

/// <summary>The scheme that OpenID Connect signs in to: begins a session under a new id and ends the one before.</summary>
internal sealed class SessionScheme(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    SessionKeeper sessions,
    SessionCookie cookie) : SignInAuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "Session";

    protected override async Task HandleSignInAsync(ClaimsPrincipal user, AuthenticationProperties? properties)
    {
        SignedInPrincipal signedIn = (SignedInPrincipal)user;
        if (Context.Session() is { } before)
        {
            await sessions.EndAsync(before, SessionEnd.Replaced, CancellationToken.None);
        }

        (SessionSecret secret, Session session) = await sessions.BeginAsync(signedIn.SignedIn, signedIn.IdToken, Context.RequestAborted);
        cookie.Append(Response, secret);
        Context.User = session.Principal;
    }

    protected override async Task HandleSignOutAsync(AuthenticationProperties? properties)
    {
        if (Context.Session() is { } session)
        {
            await sessions.EndAsync(session, SessionEnd.SignedOut, CancellationToken.None);
        }

        cookie.Delete(Response);
        Context.User = new ClaimsPrincipal(new ClaimsIdentity());
    }

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
        Context.Session() is { } session
            ? AuthenticateResult.Success(new AuthenticationTicket(session.Principal, Scheme.Name))
            : AuthenticateResult.NoResult());
}
