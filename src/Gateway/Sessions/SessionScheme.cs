using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Gateway.Sessions;

/// <summary>Carries a finished sign-in through ASP.NET Core's `SignInAsync` to <see cref="SessionScheme"/>.</summary>
internal sealed class SignedInPrincipal(NewSession session) : ClaimsPrincipal(new ClaimsIdentity("OpenIdConnect"))
{
    public NewSession Session { get; } = session;
}

/// <summary>The authentication scheme of sessions. A sign-in begins a session with a new secret and ends the browser's previous session.</summary>
internal sealed class SessionScheme(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    SessionRegistry sessions,
    Revocations revocations,
    SessionCookie cookie) : SignInAuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "Session";

    protected override async Task HandleSignInAsync(ClaimsPrincipal user, AuthenticationProperties? properties)
    {
        NewSession newSession = ((SignedInPrincipal)user).Session with
        {
            Device = Request.Device(),
            Address = Request.ClientAddress(),
        };

        // The new session begins first: if the store does not answer, the previous session stays valid.
        (SessionSecret Secret, Session Session)? begun = await sessions.BeginAsync(newSession, Context.RequestAborted);
        if (Context.Session() is { } previous)
        {
            await revocations.EndAsync(previous, SessionEnd.Replaced, CancellationToken.None);
        }

        if (begun is { } current)
        {
            cookie.Append(Response, current.Secret);
            Context.User = current.Session.Principal;
        }
        else
        {
            // A logout at the provider has ended the sign-in: the next page asks for a sign-in again.
            cookie.Delete(Response);
            Context.User = new ClaimsPrincipal(new ClaimsIdentity());
        }
    }

    protected override async Task HandleSignOutAsync(AuthenticationProperties? properties)
    {
        if (Context.Session() is { } session)
        {
            await revocations.EndAsync(session, SessionEnd.SignedOut, CancellationToken.None);
        }
        else if (Context.Features.Get<SessionLookupFailed>() is { } failed)
        {
            await revocations.EndAsync(failed.Key, SessionEnd.SignedOut, CancellationToken.None);
        }

        cookie.Delete(Response);
        Context.User = new ClaimsPrincipal(new ClaimsIdentity());
    }

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
        Context.Session() is { } session
            ? AuthenticateResult.Success(new AuthenticationTicket(session.Principal, Scheme.Name))
            : AuthenticateResult.NoResult());
}
