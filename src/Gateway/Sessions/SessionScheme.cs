using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Gateway.Sessions;

/// <summary>The user that a finished sign-in hands over, on its way to becoming a session.</summary>
internal sealed class SignedInPrincipal(NewSession session) : ClaimsPrincipal(new ClaimsIdentity("OpenIdConnect"))
{
    public NewSession Session { get; } = session;
}

/// <summary>The scheme that OpenID Connect signs in to: begins a session under a new id and ends the one before.</summary>
internal sealed class SessionScheme(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    SessionRegistry sessions,
    Revocations revocations,
    SessionCookie cookie) : SignInAuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "Session";

    private const int LongestDevice = 300;

    protected override async Task HandleSignInAsync(ClaimsPrincipal user, AuthenticationProperties? properties)
    {
        NewSession made = ((SignedInPrincipal)user).Session with
        {
            Device = Bounded(Request.Headers.UserAgent.ToString()),
            Address = Readable(Context.Connection.RemoteIpAddress),
        };

        // First: where the store does not take it, the one before goes on.
        (SessionSecret Secret, Session Session)? begun = await sessions.BeginAsync(made, Context.RequestAborted);
        if (Context.Session() is { } before)
        {
            await revocations.EndAsync(before, SessionEnd.Replaced, CancellationToken.None);
        }

        if (begun is { } now)
        {
            cookie.Append(Response, now.Secret);
            Context.User = now.Session.Principal;
        }
        else
        {
            // The provider has ended it meanwhile: the next page asks for a sign-in.
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
        else if (Context.Features.Get<SessionLookupFailed>() is { } away)
        {
            await revocations.EndAsync(away.Key, SessionEnd.SignedOut, CancellationToken.None);
        }

        cookie.Delete(Response);
        Context.User = new ClaimsPrincipal(new ClaimsIdentity());
    }

    private static string Bounded(string device) => new([.. device.Where(letter => !char.IsControl(letter)).Take(LongestDevice)]);

    /// <summary>A socket that takes both kinds of addresses shows an old one in the manner of a new one.</summary>
    private static string Readable(IPAddress? address) => (address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)?.ToString() ?? "";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
        Context.Session() is { } session
            ? AuthenticateResult.Success(new AuthenticationTicket(session.Principal, Scheme.Name))
            : AuthenticateResult.NoResult());
}
